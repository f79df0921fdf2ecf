"""`rollcall webhooks check`."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from console.commands.webhooks.answering import why_not_answering
from console.commands.webhooks.vendor import Registered, Vendor, open_vendor
from console.queries.tables import Row
from console.screen.machine_readable import print_json
from console.screen.tables import Screen
from runtime.environment import read_environment
from runtime.settings import WEBHOOK_IDS
from vendor_api.credentials import Credentials
from vendor_api.registrations import EVENTS, same_url

_STYLES = {True: "green", False: "bold red"}


def check(
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="[URL]", help="The receiver's. [default: each that ends in /webhook]", show_default=False
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array with what is wrong with each.")] = False,
) -> None:
    """Check that the vendor sends all it should to this receiver: one line for each organization and app.

    Registered, enabled, with all nine events, once only, with an id that WEBHOOK_IDS admits, and at a URL where a
    Rollcall answers: it is sent a request without a signature, which Rollcall refuses and does not keep. The exit code
    is 1 if anything is wrong.
    """
    with open_vendor() as vendor:
        every = vendor.all()
        rows = [row for credentials in vendor.credentials for row in _rows(vendor, credentials, every, url)]
    if as_json:
        print_json(rows)
    else:
        screen = Screen()
        for row in rows:
            is_good = not row["problems"]
            what = f"{row['dialect']} {row['organization_id']}"
            says = f"{row['id']} {row['url']}: all well" if is_good else "; ".join(row["problems"])
            screen.labelled("ok" if is_good else "failed", _STYLES[is_good], f"{what}  {says}")
    raise typer.Exit(int(any(row["problems"] for row in rows)))


def _rows(vendor: Vendor, credentials: Credentials, every: Sequence[Registered], url: str | None) -> Iterator[Row]:
    ours = [one for one in every if one.credentials == credentials and _is_ours(one, url)]
    if not ours:
        what = "no webhook whose URL ends in /webhook" if url is None else f"no webhook with the URL {url}"
        yield {
            "dialect": str(credentials.dialect),
            "organization_id": credentials.organization_id,
            "id": None,
            "url": url,
            "problems": [f"{what} is registered: run `rollcall webhooks register URL`"],
        }
        return
    known = vendor.registrations.known_events(credentials)
    wanted = [event for event in EVENTS if event in known]
    for one in ours:
        yield {
            "dialect": str(credentials.dialect),
            "organization_id": credentials.organization_id,
            "id": one.registration.id,
            "url": one.registration.url,
            "problems": list(_problems(vendor, one, ours, wanted)),
        }


def _is_ours(one: Registered, url: str | None) -> bool:
    if url is not None:
        return same_url(one.registration.url, url)
    return one.registration.url.rstrip("/").endswith("/webhook")


def _problems(vendor: Vendor, one: Registered, ours: Sequence[Registered], wanted: Sequence[str]) -> Iterator[str]:
    webhook = one.registration
    if webhook.is_enabled is False:
        yield f"{webhook.id} is disabled: run `rollcall webhooks enable {webhook.id}`"
    missing = [event for event in wanted if event not in webhook.events]
    if missing:
        yield (
            f"{webhook.id} does not get {', '.join(missing)}: run `rollcall webhooks remove {webhook.id}` and "
            "`rollcall webhooks register URL`"
        )
    twins = [
        other.registration.id
        for other in ours
        if other.registration.id != webhook.id
        and other.registration.is_enabled is not False
        and same_url(other.registration.url, webhook.url)
    ]
    if twins and webhook.is_enabled is not False:
        yield (
            f"{webhook.id} and {', '.join(twins)} have the same URL, so every event comes again: remove all but one "
            "with `rollcall webhooks remove ID`"
        )
    admitted = WEBHOOK_IDS.of(read_environment())
    if admitted is not None and webhook.id not in admitted:
        yield f"{webhook.id} is not in WEBHOOK_IDS, so its deliveries are kept as foreign: add it there and restart"
    why = why_not_answering(webhook.url, vendor.settings.way_out)
    if why is not None:
        yield why
