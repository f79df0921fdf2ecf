"""`rollcall webhooks remove`."""

from typing import Annotated

import typer

from console.commands.webhooks.switching import ID, Json
from console.commands.webhooks.vendor import open_vendor
from console.screen.confirming import confirm
from console.screen.machine_readable import print_json
from console.screen.tables import Screen


def remove(
    webhook: ID, *, yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False, as_json: Json = False
) -> None:
    """Remove a webhook's registration from the vendor: nothing is sent to its URL any more."""
    with open_vendor() as vendor:
        found = vendor.find(webhook)
        confirm(f"Remove {found.registration.url} from {found.credentials.name}?", yes=yes)
        vendor.registrations.remove(found.credentials, found.registration)
    if as_json:
        print_json([found.as_row()])
    else:
        Screen().say(f"Removed {found.registration.id}: {found.registration.url}")
