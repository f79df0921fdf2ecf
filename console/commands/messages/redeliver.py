"""`rollcall messages redeliver`."""

from datetime import datetime
from typing import Annotated

import typer

from automations.managing.redelivery import deliver_first
from automations.managing.redelivery import redeliver as send_again
from console.changing import open_for_changes
from console.failure import CommandFailedError
from console.queries.endpoints import find_endpoint
from console.queries.message_lists import Chosen
from console.queries.messages import deliveries_of, find_message
from console.queries.redelivery import ToSend, to_send_again
from console.queries.tables import Row, Tables
from console.screen.confirming import confirm
from console.since import SINCE_TAKES, since
from runtime.session import Session
from workers.rules.messages import DeliveryStatus


def redeliver(  # noqa: PLR0913 - each parameter is one of the command
    message: Annotated[
        str | None,
        typer.Argument(metavar="[MESSAGE]", help="This one; any unambiguous prefix works.", show_default=False),
    ] = None,
    *,
    endpoint: Annotated[str | None, typer.Option(metavar="ID", help="Those for this endpoint.")] = None,
    type_: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Those of this type, with *.")] = None,
    status: Annotated[DeliveryStatus | None, typer.Option(help="Those with this status.")] = None,
    session: Annotated[str | None, typer.Option(metavar="ID", help="Those about this session.")] = None,
    happened_since: Annotated[
        datetime | None,
        typer.Option("--since", parser=since, metavar="T", help=f"What happened since then: {SINCE_TAKES}."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Send messages again that were delivered, held or given up; all that is said must apply.

    They keep their ids, so a receiver that has had one does nothing. With a message and an endpoint that it was not
    meant for, it is sent there for the first time. What is pending is on its way already.
    """
    if status is DeliveryStatus.PENDING:
        raise typer.BadParameter("what is pending is on its way already.", param_hint="--status")
    if not any((message, endpoint, type_, status, session, happened_since)):
        raise typer.BadParameter("nothing is selected: name a message, or use an option.", param_hint="redeliver")
    with open_for_changes() as connection:
        tables = Tables(connection)
        found = None if message is None else find_message(tables, message)
        to = None if endpoint is None else find_endpoint(tables, endpoint)
        chosen = Chosen(
            endpoint=None if to is None else to["id"], status=status, type=type_, session=session, since=happened_since
        )
        if found is not None and to is not None and not _is_meant_for(tables, found, to):
            sent = _send_first(connection, found, to, yes=yes)
        else:
            sent = _send(connection, to_send_again(tables, chosen, None if found is None else found["id"]), yes=yes)
    typer.echo(f"{sent} {_messages(sent)} out.")


def _is_meant_for(tables: Tables, message: Row, endpoint: Row) -> bool:
    return any(row["endpoint_id"] == endpoint["id"] for row in deliveries_of(tables, message["id"]))


def _send_first(connection: Session, message: Row, endpoint: Row, *, yes: bool) -> int:
    if endpoint["status"] != "enabled":
        raise CommandFailedError(f"{endpoint['id']} is disabled: `rollcall endpoints enable {endpoint['id']}` first.")
    confirm(f"Send {message['id']} to {endpoint['id']} ({endpoint['name']}), which it was not meant for?", yes=yes)
    return deliver_first(connection, endpoint["id"], message["id"])


def _send(connection: Session, to_send: ToSend, *, yes: bool) -> int:
    if to_send.disabled:
        typer.echo(
            f"{to_send.disabled} more are for disabled endpoints, and stay: `rollcall endpoints enable` first.",
            err=True,
        )
    if to_send.count:
        places = f"{len(to_send.messages)} {'endpoint' if len(to_send.messages) == 1 else 'endpoints'}"
        # A script is not asked, and is told how many all the same.
        typer.echo(f"{to_send.count} {_messages(to_send.count)} to {places} again.", err=True)
        confirm("Go on?", yes=yes)
    return sum(send_again(connection, endpoint_id, ids) for endpoint_id, ids in to_send.messages.items())


def _messages(count: int) -> str:
    return "message goes" if count == 1 else "messages go"
