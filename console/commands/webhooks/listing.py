"""`rollcall webhooks list`."""

from typing import Annotated

import typer

from console.commands.webhooks.vendor import Registered, open_vendor
from console.screen.machine_readable import print_json
from console.screen.tables import Column, Screen, shown
from vendor_api.registrations import EVENTS

_COLUMNS = (
    Column("WEBHOOK"),
    Column("OF"),
    Column("NAME", gives_way=True),
    Column("STATUS"),
    Column("EVENTS", to_the_right=True),
    Column("URL", gives_way=True),
)


def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array with every column.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """List the webhooks that are registered with the vendor, of every organization and app.

    EVENTS counts those of the nine that Rollcall reads.
    """
    with open_vendor() as vendor:
        found = vendor.all()
    screen = Screen()
    if as_json:
        print_json([one.as_row() for one in found])
    elif not found and screen.is_terminal:
        screen.say("No webhooks yet: register one with `rollcall webhooks register URL`.")
    else:
        screen.table(_COLUMNS, [_line(one) for one in found])


def _line(one: Registered) -> tuple[str, ...]:
    status = {True: "enabled", False: "disabled", None: ""}[one.registration.is_enabled]
    return (
        one.registration.id,
        one.credentials.name,
        shown(one.registration.name),
        shown(status),
        f"{len(EVENTS) - len(one.registration.missing_events)}/{len(EVENTS)}",
        one.registration.url,
    )
