"""The rows that the fake vendor tells of a world, by its switches."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Literal

from tests.vendor_api.switches import Switches
from tests.vendor_api.world import (
    Connection,
    RecordingMade,
    SessionHeld,
    iso,
    participant_answer,
    person_answer,
    recording_answer,
    session_answer,
)

Row = dict[str, Any]
Missing = Literal["absent", "null", "text", "empty"]
_ARRIVES_AFTER = timedelta(minutes=2)
_TIMES = ("started_at", "ended_at", "joined_at", "left_at")


def status_of(session: SessionHeld, as_of: datetime | None) -> str:
    """Return whether a session goes on at a time."""
    ended = session.ended_at is not None and (as_of is None or session.ended_at <= as_of)
    return "ENDED" if ended else "LIVE"


def session_row(session: SessionHeld, switches: Switches, owner: str, as_of: datetime | None) -> Row:
    """Return what is told of a session at a time, to credentials of an organization."""
    row = session_answer(session, as_of=as_of)
    if row["status"] == "LIVE":
        row = _without(row, "ended_at", switches.ended_at)
    if switches.organization_id == "credentials":
        row["organization_id"] = owner
    elif switches.organization_id == "absent":
        del row["organization_id"]
    return _as_typed(row, switches)


def participant_rows(
    session: SessionHeld, switches: Switches, as_of: datetime | None, *, with_events: bool
) -> list[Row]:
    """Return what is told of a session's participants at a time, by when they joined."""
    there = [_at(one, as_of) for one in session.connections if as_of is None or one.joined_at <= as_of]
    there.sort(key=lambda one: (one.joined_at, one.peer_id))
    if switches.rows == "persons":
        rows = [person_answer(one) if len(one) > 1 else participant_answer(one[0]) for one in _by_person(there)]
    else:
        rows = [participant_answer(one) for one in there]
    if switches.repeats_participant and rows:
        rows = [
            {**rows[0], "left_at": None, "duration": 0, "peer_events": rows[0]["peer_events"][:1]},
            *rows[1:],
            rows[0],
        ]
    return [_participant(row, switches, with_events=with_events) for row in rows]


def recording_row(session: SessionHeld, one: RecordingMade, switches: Switches, as_of: datetime | None) -> Row:
    """Return what is told of a recording at a time."""
    row = recording_answer(session, one)
    row["meeting"] |= {"created_at": iso(session.started_at), "updated_at": iso(session.started_at)}
    if as_of is not None and as_of < one.stopped_at + _ARRIVES_AFTER:
        later = ("stopped_time", "file_size", "download_url", "audio_download_url", "download_url_expiry")
        row = {**row, "status": "RECORDING", **dict.fromkeys(later)}
        del row["stop_reason"], row["recording_duration"]
    elif switches.has_link_lists:
        files = {f"{one.id}.webm": {"download_url": row["download_url"]}}
        row["download_url"] = [{"layer_name": "default", "download_urls": files}]
    return row


def _participant(row: Row, switches: Switches, *, with_events: bool) -> Row:
    if row["left_at"] is None:
        row = _without(row, "left_at", switches.left_at)
    if not (with_events and switches.has_peer_events):
        row = {name: value for name, value in row.items() if name != "peer_events"}
    return _as_typed(row, switches)


def _by_person(connections: Sequence[Connection]) -> list[list[Connection]]:
    """Return the connections of each person, who is in the place of the first one."""

    def person(one: Connection) -> str:
        return one.person or f"peer {one.peer_id}"

    together = [list(those) for _, those in groupby(sorted(connections, key=person), person)]
    return sorted(together, key=lambda those: min((one.joined_at, one.peer_id) for one in those))


def _at(one: Connection, as_of: datetime | None) -> Connection:
    if as_of is None or one.left_at is None or one.left_at <= as_of:
        return one
    return Connection(one.peer_id, one.person, one.name, one.joined_at, None)


def _without(row: Row, name: str, how: Missing) -> Row:
    rest = {key: value for key, value in row.items() if key != name}
    said: dict[Missing, Row] = {"absent": {}, "null": {name: None}, "text": {name: "null"}, "empty": {name: ""}}
    return {**rest, **said[how]}


def _as_typed(row: Row, switches: Switches) -> Row:
    if not switches.has_stray_quotes:
        return row
    return {name: f'{value}"' if name in _TIMES and value and value != "null" else value for name, value in row.items()}
