"""The rows that messages carry beside what they tell: the session, and the participant, recording, … it is about."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString

import msgspec
from psycopg.rows import dict_row

from automations.announcing.ages import Ages, ages_of
from automations.announcing.entries import TimelineEntry
from workers.tables.arrays import Cursor

Row = Mapping[str, Any]

_SESSIONS: LiteralString = """
SELECT id, meeting_id, organization_id, title, status, started_at, ended_at
FROM rollcall.sessions WHERE id = ANY(%s)
"""
_PARTICIPANTS: LiteralString = """
SELECT session_id, peer_id, custom_participant_id, display_name, preset_name, joined_at, left_at, left_source
FROM rollcall.participants
JOIN unnest(%s::text[], %s::text[]) AS wanted (session_id, peer_id) USING (session_id, peer_id)
"""
_RECORDINGS: LiteralString = """
SELECT id, session_id, meeting_id, status, invoked_at, started_at, stopped_at, duration_seconds, file_size, file_name,
    download_url, audio_download_url, download_url_expires_at, stop_reason
FROM rollcall.recordings WHERE id = ANY(%s)
"""
_LIVESTREAMS: LiteralString = """
SELECT stream_id, meeting_id, status, last_changed_at, playback_url FROM rollcall.livestreams WHERE stream_id = ANY(%s)
"""
_ARTIFACTS: LiteralString = """
SELECT session_id, kind, download_url, download_url_expires_at FROM rollcall.artifacts WHERE session_id = ANY(%s)
"""
_MEETINGS: LiteralString = "SELECT id, organization_id FROM rollcall.meetings WHERE id = ANY(%s)"


class Content(msgspec.Struct, frozen=True):
    """Rows by their keys.

    Attributes:
        sessions: by id.
        participants: by session and peer.
        recordings: by id.
        livestreams: by stream id.
        artifacts: by session and kind.
        organizations: of the livestreams' meetings that are known, by the meeting's id.
        ages: of the sessions and meetings of entries that state no time.
    """

    sessions: Mapping[str, Row]
    participants: Mapping[tuple[str, str], Row]
    recordings: Mapping[str, Row]
    livestreams: Mapping[str, Row]
    artifacts: Mapping[tuple[str, str], Row]
    organizations: Mapping[str, str | None]
    ages: Ages

    def about(self, entry: TimelineEntry) -> dict[str, Any]:
        """Return the member of `data` with the row that an entry is about."""
        family = entry.kind.partition(".")[0]
        session_id = entry.session_id or ""
        match family:
            case "participant":
                return {"participant": self.participants.get((session_id, entry.subject_id))}
            case "recording":
                return {"recording": self.recordings.get(entry.subject_id)}
            case "livestream":
                return {"livestream": self.livestreams.get(entry.subject_id)}
            case "chat" | "transcript" | "summary":
                return {"artifact": self.artifacts.get((session_id, family))}
        return {}


def content_of(cursor: Cursor, entries: Sequence[TimelineEntry], session_ids: Iterable[str]) -> Content:
    """Return the rows that entries are about, and their sessions."""
    peers = [(one.session_id, one.subject_id) for one in entries if one.kind.startswith("participant.")]
    recordings = {one.subject_id for one in entries if one.kind.startswith("recording.")}
    streams = {one.subject_id for one in entries if one.kind.startswith("livestream.")}
    artifacts = {one.session_id for one in entries if one.kind.endswith(".available")}
    livestreams = _rows(cursor, _LIVESTREAMS, [sorted(streams)]) if streams else []
    meetings = {row["meeting_id"] for row in livestreams if row["meeting_id"] is not None}
    undated = [one for one in entries if one.copy is not None]
    return Content(
        sessions_by_id(cursor, session_ids),
        {
            (row["session_id"], row["peer_id"]): row
            for row in (
                _rows(cursor, _PARTICIPANTS, [list(column) for column in zip(*peers, strict=True)]) if peers else []
            )
        },
        {row["id"]: row for row in (_rows(cursor, _RECORDINGS, [sorted(recordings)]) if recordings else [])},
        {row["stream_id"]: row for row in livestreams},
        {
            (row["session_id"], row["kind"]): row
            for row in (_rows(cursor, _ARTIFACTS, [list(artifacts)]) if artifacts else [])
        },
        {
            row["id"]: row["organization_id"]
            for row in (_rows(cursor, _MEETINGS, [sorted(meetings)]) if meetings else [])
        },
        ages_of(cursor, {one.session_id for one in undated if one.session_id is not None}, meetings if undated else ()),
    )


def sessions_by_id(cursor: Cursor, session_ids: Iterable[str]) -> dict[str, Row]:
    """Return the sessions that are known, as messages carry them, by id."""
    return {row["id"]: row for row in _rows(cursor, _SESSIONS, [sorted(session_ids)])}


def _rows(cursor: Cursor, statement: LiteralString, values: Sequence[Any]) -> list[Row]:
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        return list(rows.execute(statement, values).fetchall())
