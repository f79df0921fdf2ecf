"""`rollcall webhooks enable` and `rollcall webhooks disable`."""

from typing import Annotated

import typer

from console.commands.webhooks.vendor import open_vendor
from console.screen.confirming import confirm
from console.screen.machine_readable import print_json
from console.screen.tables import Screen

ID = Annotated[str, typer.Argument(metavar="ID", help="Its id, or the start of it.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON array with the webhook.")]


def enable(webhook: ID, *, as_json: Json = False) -> None:
    """Have the vendor send to a webhook again."""
    _switch(webhook, as_json=as_json, is_enabled=True)


def disable(
    webhook: ID, *, yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False, as_json: Json = False
) -> None:
    """Have the vendor send nothing to a webhook, but keep its registration.

    What happens meanwhile is never sent. `rollcall backfill` fills in what the vendor's API tells of it.
    """
    _switch(webhook, as_json=as_json, is_enabled=False, yes=yes)


def _switch(webhook: str, *, as_json: bool, is_enabled: bool, yes: bool = True) -> None:
    with open_vendor() as vendor:
        found = vendor.find(webhook)
        one = found.registration
        if not is_enabled:
            confirm(f"Have {found.credentials.name} send nothing to {one.url}?", yes=yes)
        if one.is_enabled is not is_enabled:
            vendor.registrations.enable(found.credentials, one, is_enabled=is_enabled)
        now = vendor.find(one.id)
    if as_json:
        print_json([now.as_row()])
    else:
        Screen().say(f"{one.id} is {'enabled' if is_enabled else 'disabled'}: {one.url}")
