"""`rollcall endpoints recover`."""

from datetime import datetime
from typing import Annotated

import typer

from automations.announcing.recover import recover_sessions
from automations.endpoints import read_endpoint
from automations.managing.redelivery import redeliver
from console.changing import open_for_changes
from console.failure import CommandFailedError
from console.queries.endpoints import find_endpoint
from console.queries.messages import Chosen
from console.queries.redelivery import held_as_old
from console.queries.tables import Tables
from console.screen.confirming import confirm
from console.screen.tables import Screen, moment
from console.since import SINCE_TAKES, since
from workers.rules.messages import EndpointStatus


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
        addressee = read_endpoint(connection, found["id"])
        if addressee is None or addressee.status is EndpointStatus.DISABLED:
            raise CommandFailedError(
                f"{found['id']} is disabled, so nothing is sent to it: `rollcall endpoints enable {found['id']}` first."
            )
        held = held_as_old(tables, Chosen(endpoint=found["id"], since=happened_since))
        confirm(
            f"Send {len(held)} held messages to {found['id']} ({found['name']}), and tell it of all sessions since "
            f"{moment(happened_since)} UTC that it does not know?",
            yes=yes,
        )
        sent = redeliver(connection, found["id"], held)
        told = recover_sessions(connection, addressee, happened_since)
    Screen().say(f"{sent} held and {told} new messages go out to {found['id']} ({found['name']}).")
