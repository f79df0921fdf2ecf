"""`rollcall webhooks register`."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

from console.commands.webhooks.vendor import Registered, Vendor, open_vendor
from console.failure import CommandFailedError
from console.screen.machine_readable import print_json
from console.screen.tables import Screen
from vendor_api.credentials import Credentials
from vendor_api.registrations import same_url

_PATH = "/webhook"


def _url(text: str) -> str:
    url = text.strip()
    try:
        parts = urlsplit(url)
        is_place = parts.scheme.lower() == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_place = False
    if not is_place or parts.username is not None or not url.isascii() or any(sign.isspace() for sign in url):
        raise typer.BadParameter("it takes a public https:// URL, such as https://rollcall.example.com/webhook.")
    if not parts.path.endswith(_PATH) or parts.query or parts.fragment or url.endswith(("?", "#")):
        raise typer.BadParameter(f"it must end in {_PATH}, which is where the receiver takes deliveries.")
    return url


def register(
    url: Annotated[
        str,
        typer.Argument(metavar="URL", parser=_url, help="Public, https, and ending in /webhook.", show_default=False),
    ],
    *,
    name: Annotated[str, typer.Option(help="What the vendor is to call it.")] = "rollcall",
    owner: Annotated[
        str | None, typer.Option("--for", metavar="ID", help="Only this organization or app. [default: all]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array of what was registered.")] = False,
) -> None:
    """Register a URL with the vendor for all nine events, for every organization and app.

    Where the URL is registered already it is not registered again, as every event would then come twice; the exit code
    is then 1.
    """
    with open_vendor() as vendor:
        wanted = [one for one in vendor.credentials if owner in {None, one.organization_id}]
        if not wanted:
            raise CommandFailedError(
                f"No credentials of {owner!r} are set: they are set for "
                f"{', '.join(one.organization_id for one in vendor.credentials)}."
            )
        # All are looked at before any is changed: credentials that are refused then leave nothing half done.
        known = [one for one in vendor.all() if one.credentials in wanted and same_url(one.registration.url, url)]
        made: list[Registered] = []
        try:
            for credentials in wanted:
                if all(one.credentials != credentials for one in known):
                    # One by one: those made are said even if the next fails.
                    made.append(_create(vendor, credentials, name, url))  # noqa: PERF401
        finally:
            _say(made, as_json=as_json)
    if known:
        raise CommandFailedError(
            " ".join(
                f"{one.credentials.name} has this URL already, as {one.registration.id}: not registered again."
                for one in known
            )
            + " `rollcall webhooks check` shows whether it gets all it needs."
        )


def _create(vendor: Vendor, credentials: Credentials, name: str, url: str) -> Registered:
    made = vendor.registrations.create(credentials, name, url)
    if made is None:
        # It says that it did, but not under which id.
        made = next((one for one in vendor.registrations.all(credentials) if same_url(one.url, url)), None)
    if made is None:
        raise CommandFailedError(
            f"{credentials.name} took the URL but does not list it: look with `rollcall webhooks list`."
        )
    return Registered(credentials, made)


def _say(made: list[Registered], *, as_json: bool) -> None:
    if as_json:
        print_json([one.as_row() for one in made])
        return
    screen = Screen()
    for one in made:
        screen.say(f"Registered {one.registration.id} for {one.credentials.name}.")
    if made:
        ids = ",".join(one.registration.id for one in made)
        screen.say(f"To accept deliveries of your registrations only, add to WEBHOOK_IDS: {ids}")
