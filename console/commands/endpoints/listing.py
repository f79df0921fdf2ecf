"""`rollcall endpoints list` and `rollcall endpoints show`."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from console.queries.endpoints import all_endpoints, find_endpoint, secrets_of, trouble_of
from console.queries.tables import Row, open_tables
from console.screen.machine_readable import print_json
from console.screen.tables import Column, Screen, moment, shown

_MOST_TRIES = 5
_COLUMNS = (
    Column("ENDPOINT"),
    Column("NAME", gives_way=True),
    Column("STATUS"),
    Column("WAITING", to_the_right=True),
    Column("HELD", to_the_right=True),
    Column("GIVEN UP", to_the_right=True),
    Column("LAST DELIVERED (UTC)"),
    Column("URL", gives_way=True),
)
_TRIES = (
    Column("TRIED (UTC)"),
    Column("MESSAGE", gives_way=True),
    Column("TYPE", gives_way=True),
    Column("STATUS"),
    Column("ANSWER", to_the_right=True),
    Column("NEXT TRY (UTC)"),
    Column("ERROR", gives_way=True),
)


def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array with every column.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """List endpoints.

    STATUS is enabled, failing (enabled, and not one success since the first failure) or disabled. WAITING counts
    messages on their way, HELD those that `endpoints enable` or `endpoints recover` sends, GIVEN UP those that failed
    to the end of the schedule (`messages redeliver`).
    """
    with open_tables() as tables:
        found = all_endpoints(tables)
    screen = Screen()
    if as_json:
        print_json(found)
    elif not found and screen.is_terminal:
        screen.say("No endpoints yet: add one with `rollcall endpoints add URL`.")
    else:
        screen.table(_COLUMNS, [_line(row) for row in found])


def show(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its id (or the start of it), name or URL.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array with every column.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Show an endpoint in full, with the latest messages that failed. Secrets are never shown."""
    with open_tables() as tables:
        found = find_endpoint(tables, endpoint)
        secrets, trouble = secrets_of(tables, found["id"]), trouble_of(tables, found["id"], _MOST_TRIES)
    if as_json:
        print_json([{**found, "secrets": secrets, "failed": trouble}])
        return
    screen = Screen()
    for name, value in found.items():
        screen.say(f"{name:<18}{_text(name, value)}")
    for secret in secrets:
        until = f", signs until {moment(secret['expires_at'])} UTC" if secret["expires_at"] else ""
        screen.say(f"{'secret':<18}since {moment(secret['created_at'])} UTC{until}")
    if trouble:
        screen.say("")
        screen.table(_TRIES, [_tried(row) for row in trouble])


def state_of(row: Row) -> str:
    """Return an endpoint's status, and whether it fails."""
    return "failing" if row["status"] == "enabled" and row["failing_since"] is not None else str(row["status"])


def _line(row: Row) -> tuple[str, ...]:
    return (
        row["id"],
        shown(row["name"]),
        state_of(row),
        str(row["pending"]),
        str(row["held"]),
        str(row["given_up"]),
        moment(row["last_delivered_at"]),
        row["url"],
    )


def _tried(row: Row) -> tuple[str, ...]:
    return (
        moment(row["at"]),
        row["message_id"],
        row["type"],
        row["status"],
        shown(None if row["answered"] is None else str(row["answered"])),
        moment(row["next_attempt_at"]),
        shown(row["error"]),
    )


def _text(name: str, value: Any) -> str:
    match value:
        case datetime():
            return f"{moment(value)} UTC"
        case list() if name == "schedule":
            return ", ".join(str(timedelta(seconds=seconds)) for seconds in value)
        case list():
            return ", ".join(map(str, value))
        case None if name in {"organization_ids", "meeting_ids"}:
            return "all"
        case None if name == "schedule":
            return "the default"
        case _:
            return shown(None if value is None else str(value))
