"""`rollcall timeline`: the events of a session, in order."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from console.charts.files import write_chart
from console.queries.session import connections_of, entries_of, recordings_of
from console.queries.sessions import find_session
from console.queries.tables import Row, open_tables
from console.screen.machine_readable import print_json
from console.screen.tables import Column, Screen, length, moment, shown

# Fields of a detail that are not shown elsewhere.
_WORTH_A_LINE = ("reason", "stop_reason")
_COLUMNS = (
    Column("TIME (UTC)"),
    Column("IN", to_the_right=True),
    Column("WHAT"),
    Column("WHO OR WHICH", gives_way=True),
)


def timeline(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="The session's id; any unambiguous prefix works.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the entries as a JSON array.")] = False,  # noqa: FBT002 - a flag
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Write the chart to this file instead, as SVG.")
    ] = None,
    png: Annotated[Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Likewise, as PNG.")] = None,
    tz: Annotated[str, typer.Option(metavar="ZONE", help="The time zone of the chart, such as Europe/Berlin.")] = "UTC",
) -> None:
    """Show the events of a session, in order.

    IN is the time since the session's start. An event without a time of its own is shown with the time it was received,
    marked with ~.
    """
    with open_tables() as tables:
        found = find_session(tables, session)
        if svg is not None or png is not None:
            write_chart(tables, found, tz, svg, png)
            return
        entries, participants = entries_of(tables, found["id"]), connections_of(tables, found["id"])
        files = {row["id"]: row["file_name"] for row in recordings_of(tables, found["id"]) if row["file_name"]}
    if as_json:
        print_json([{"session_id": found["id"], **_stated(entry)} for entry in entries])
        return
    screen = Screen()
    _print_header(screen, found, participants)
    names = {**files, **{row["peer_id"]: _name(row) for row in participants}}
    screen.table(_COLUMNS, [_line(entry, found, names) for entry in entries])


def _stated(entry: Row) -> Row:
    return {name: value for name, value in entry.items() if name != "is_time_of_receipt"}


def _print_header(screen: Screen, session: Row, participants: list[Row]) -> None:
    screen.say(shown(session["title"]), style="bold")
    started, ended = session["started_at"], session["ended_at"]
    when = [f"{session['status']}, started {moment(started)}"]
    if ended is not None:
        lasted = f", {length(ended - started)} long" if started is not None else ""
        why = f" ({session['end_reason']})" if session["end_reason"] else ""
        when.append(f"ended {moment(ended)}{why}{lasted}")
    screen.say(", ".join(when))
    people = {row["custom_participant_id"] or row["peer_id"] for row in participants}
    screen.say(
        f"{_counted(len(people), 'person', 'people')}, {_counted(len(participants), 'connection', 'connections')}"
    )
    screen.say(f"session {session['id']}")
    of_whom = session["organization_name"] or session["organization_id"]
    screen.say(f"meeting {shown(session['meeting_id'])}{f' of {of_whom}' if of_whom else ''}")
    screen.say("")


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _name(participant: Row) -> str:
    name, person = participant["display_name"] or participant["peer_id"], participant["custom_participant_id"]
    return f"{name} ({person})" if person else name


def _line(entry: Row, session: Row, names: dict[str, str]) -> tuple[str, str, str, str]:
    sign = "~" if entry["is_time_of_receipt"] else " "
    started = session["started_at"]
    since_start: timedelta | None = entry["occurred_at"] - started if started is not None else None
    return sign + moment(entry["occurred_at"]), length(since_start), entry["kind"], _subject(entry, names)


def _subject(entry: Row, names: dict[str, str]) -> str:
    """Return an entry's subject, and further details of its event."""
    subject: str = entry["subject_id"]
    parts: list[str] = []
    if entry["kind"].startswith(("participant.", "recording.", "livestream.")):
        parts.append(names.get(subject, subject))
    parts += [str(entry["detail"][name]) for name in _WORTH_A_LINE if entry["detail"].get(name)]
    return ", ".join(parts)
