"""`rollcall timeline`: the events of a session, in order."""

from datetime import timedelta
from typing import Annotated, LiteralString

import typer

from console.failure import CommandFailedError
from console.queries.tables import Row, Tables, open_tables
from console.screen.machine_readable import print_json
from console.screen.tables import Column, Screen, length, moment, shown

_MOST_NAMED = 5

_SESSIONS: LiteralString = """
    SELECT s.id, s.title, s.status, s.started_at, s.ended_at, s.end_reason, s.meeting_id, s.organization_id,
        o.name AS organization_name
    FROM rollcall.sessions s LEFT JOIN rollcall.organizations o ON o.id = s.organization_id
    WHERE s.id = %(session)s"""
# Ids may contain `_` and `%`: starts_with, not LIKE.
_BY_START: LiteralString = """
    SELECT id FROM rollcall.sessions WHERE starts_with(id, %(session)s) ORDER BY id LIMIT %(limit)s"""
_PARTICIPANTS: LiteralString = """
    SELECT peer_id, custom_participant_id, display_name, left_source
    FROM rollcall.participants WHERE session_id = %(session)s"""
_RECORDINGS: LiteralString = """
    SELECT id, file_name FROM rollcall.recordings WHERE session_id = %(session)s AND file_name IS NOT NULL"""
# At the same time, the start of the session comes first and its end last.
_ENTRIES: LiteralString = """
    SELECT t.occurred_at, t.kind, t.subject_id, t.detail, t.delivery_id,
        t.occurred_at = d.received_at AS is_time_of_receipt
    FROM rollcall.timeline t LEFT JOIN rollcall.deliveries d ON d.id = t.delivery_id
    WHERE t.session_id = %(session)s
    ORDER BY t.occurred_at, (t.kind = 'session.started') DESC, t.kind = 'session.ended', t.delivery_id, t.kind,
        t.subject_id"""

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
) -> None:
    """Show the events of a session, in order.

    IN is the time since the session's start. An event without a time of its own is shown with the time it was received,
    marked with ~.
    """
    with open_tables() as tables:
        found = _find(tables, session)
        values = {"session": found["id"]}
        entries, participants = tables.rows(_ENTRIES, values), tables.rows(_PARTICIPANTS, values)
        files = {row["id"]: row["file_name"] for row in tables.rows(_RECORDINGS, values)}
    if as_json:
        print_json([{"session_id": found["id"], **_stated(entry)} for entry in entries])
        return
    screen = Screen()
    _print_header(screen, found, participants)
    names = {**files, **{row["peer_id"]: _name(row) for row in participants}}
    screen.table(_COLUMNS, [_line(entry, found, names) for entry in entries])


def _find(tables: Tables, session: str) -> Row:
    """Return the session with this id, or the only one whose id starts with it.

    Raises:
        CommandFailedError: there is none, or there are several.
    """
    asked = session.strip()
    whole = tables.rows(_SESSIONS, {"session": asked})
    if whole:
        return whole[0]
    ids = [row["id"] for row in tables.rows(_BY_START, {"session": asked, "limit": _MOST_NAMED})] if asked else []
    if not ids:
        raise CommandFailedError(f"There is no session {asked!r}: list them with `rollcall sessions`.")
    if len(ids) > 1:
        raise CommandFailedError(f"Several sessions start with {asked!r}, give more of the id: {', '.join(ids)}")
    return tables.rows(_SESSIONS, {"session": ids[0]})[0]


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
