"""Telling who did not come, or for too short a time, of those on the roster."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

from psycopg.rows import dict_row

from automations.announcing import identity
from automations.announcing.message import NewMessage
from automations.announcing.turns import take_turns
from workers.tables.arrays import Cursor
from workers.tables.outcome import summaries_of

_OPEN = "open"
_ATTENDED = "attended"
_TYPES = {
    "no_show": "participant.no_show",
    "below_threshold": "participant.below_threshold",
    _ATTENDED: "participant.cleared",
}
_COLUMNS = ("meeting_id", "person", "starts_at", "ends_at", "display_name", "minimum_share")

# Decided once the last of the sessions has settled. One that nobody has looked at yet is older than all endpoints.
_DECIDED: LiteralString = """
WITH considered AS MATERIALIZED (
    SELECT r.meeting_id, r.person, r.starts_at, r.ends_at, told.verdict AS told, coalesce(told.revision, 0) AS revision
    FROM rollcall.roster AS r
    LEFT JOIN rollcall.roster_verdicts AS told USING (meeting_id, person, starts_at)
    WHERE r.ends_at <= now() AND (told.verdict IS NULL OR r.meeting_id = ANY(%(meetings)s))
    ORDER BY r.ends_at LIMIT %(most)s
)
SELECT r.*, considered.told, considered.revision, meeting.organization_id, held.ids, held.settled_at,
    now() - greatest(r.ends_at, held.settled_at) AS age
FROM considered
JOIN rollcall.roster_attendance AS r USING (meeting_id, person, starts_at)
LEFT JOIN rollcall.meetings AS meeting ON meeting.id = r.meeting_id
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(s.id ORDER BY s.started_at, s.id), '{}') AS ids,
        max(coalesce(s.ended_at, s.last_event_at + interval '24 hours')) AS settled_at,
        coalesce(bool_or(telling.due_at IS NOT NULL), false) AS is_unsettled
    FROM rollcall.sessions AS s
    LEFT JOIN rollcall.tellings AS telling ON telling.kind = 'session' AND telling.subject = s.id
    WHERE s.meeting_id = r.meeting_id AND s.started_at < r.ends_at
        AND coalesce(s.ended_at, rollcall.counted_until(s.last_event_at)) > r.starts_at
) AS held
WHERE NOT held.is_unsettled AND r.verdict IS DISTINCT FROM considered.told
ORDER BY r.ends_at, r.meeting_id, r.person
"""
_REMEMBER: LiteralString = """
INSERT INTO rollcall.roster_verdicts (meeting_id, person, starts_at, verdict, revision) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (meeting_id, person, starts_at) DO UPDATE SET
    verdict = excluded.verdict, revision = excluded.revision, decided_at = now()
"""


def verdict_messages(
    cursor: Cursor, meetings: Sequence[str], announce_within: timedelta, most: int
) -> list[NewMessage]:
    """Return what is to be told of the roster, and remember it.

    Args:
        cursor: in a transaction.
        meetings: those with sessions that have settled or changed: verdicts on them may have changed too.
        announce_within: how old something may be to be sent unasked.
        most: rows of the roster to consider.
    """
    if not take_turns(cursor, ["roster"]):
        return []
    with cursor.connection.cursor(row_factory=dict_row) as rows:
        decided = rows.execute(_DECIDED, {"meetings": list(meetings), "most": most}).fetchall()
    messages = []
    for row in decided:
        verdict, told, revision = row["verdict"], row["told"], row["revision"]
        if verdict == _OPEN:
            continue
        is_told = verdict != _ATTENDED or told not in {None, _ATTENDED}
        if is_told:
            revision += 1
            messages.append(_message(cursor, row, revision, announce_within))
        cursor.execute(_REMEMBER, [row["meeting_id"], row["person"], row["starts_at"], verdict, revision])
    return messages


def _message(cursor: Cursor, row: dict[str, Any], revision: int, announce_within: timedelta) -> NewMessage:
    type_ = _TYPES[row["verdict"]]
    starts_at: datetime = row["starts_at"]
    happened_at = max(row["ends_at"], row["settled_at"] or row["ends_at"])
    key = (row["meeting_id"], row["person"], starts_at.astimezone(UTC).isoformat())
    return NewMessage(
        identity.of_parts(type_, *key, str(revision)),
        type_,
        happened_at,
        {
            "roster": {name: row[name] for name in _COLUMNS},
            "sessions": summaries_of(cursor, row["ids"]),
            "attended_seconds": row["attended_seconds"],
            "share": row["share"],
        },
        None,
        row["meeting_id"],
        row["organization_id"],
        happened_at,
        is_old=row["age"] > announce_within,
    )
