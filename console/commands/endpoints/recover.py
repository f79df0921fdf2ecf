"""`rollcall endpoints recover`."""

from datetime import datetime
from typing import Annotated

import typer

from automations.announcing.recover import recover_sessions
from automations.managing.redelivery import redeliver
from console.changing import open_for_changes
from console.commands.endpoints.enabled import require_enabled
from console.queries.endpoints import find_endpoint
from console.queries.message_lists import Chosen
from console.queries.redelivery import held_as_old
from console.queries.tables import Tables
from console.screen.confirming import confirm
from console.screen.tables import Screen, moment
from console.since import SINCE_TAKES, since


def recover(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its id (or the start of it), name or URL.")],
    *,
    happened_since: Annotated[
        datetime,
        typer.Option("--since", parser=since, metavar="T", help=f"What happened since then: {SINCE_TAKES}."),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Send an endpoint what is held because it is old, and tell it of sessions that are older than the endpoint.

    Old is what happened more than ANNOUNCE_WITHIN before it was stored, as after a backfill or an outage. Sessions
    count as of their last event. What the endpoint was sent already is not sent again.
    """
    with open_for_changes() as connection:
        tables = Tables(connection)
        found = find_endpoint(tables, endpoint)
        addressee = require_enabled(connection, found["id"])
        held = held_as_old(tables, Chosen(endpoint=found["id"], since=happened_since))
        confirm(
            f"Send {len(held)} held messages to {found['id']} ({found['name']}), and tell it of all sessions since "
            f"{moment(happened_since)} UTC that it does not know?",
            yes=yes,
        )
        sent = redeliver(connection, found["id"], held)
        told = recover_sessions(connection, addressee, happened_since)
    Screen().say(f"{sent} held and {told} new messages go out to {found['id']} ({found['name']}).")
