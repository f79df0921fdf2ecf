"""How old news is: an entry whose event states no time is as old as the last thing that its session states.

A transcript says only that it is there. Posted a year late it would pass for today's, and mail last year's customers.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import LiteralString

import msgspec

from automations.announcing.entries import TimelineEntry
from workers.tables.arrays import Cursor

# A livestream's events name a meeting at most, so they are as old as the last of its sessions.
_STATED: LiteralString = """
SELECT session.id, session.meeting_id, coalesce(session.ended_at, greatest(session.started_at, (
    SELECT max(entry.occurred_at) FROM rollcall.timeline AS entry
    JOIN rollcall.deliveries AS delivery ON delivery.id = entry.delivery_id
    WHERE entry.session_id = session.id AND entry.occurred_at <> delivery.received_at
)))
FROM rollcall.sessions AS session WHERE session.id = ANY(%s) OR session.meeting_id = ANY(%s)
"""


class Ages(msgspec.Struct, frozen=True):
    """The latest time that is stated.

    Attributes:
        sessions: of each session, by id: its end, or the last event that states a time.
        meetings: of all sessions of each meeting, by id.
    """

    sessions: Mapping[str, datetime]
    meetings: Mapping[str, datetime]

    def of(self, entry: TimelineEntry, meeting_id: str | None) -> datetime:
        """Return when an entry happened at the latest, as far as anything states it."""
        if entry.copy is None:
            return entry.occurred_at
        if entry.session_id is not None:
            stated = self.sessions.get(entry.session_id)
        else:
            stated = self.meetings.get(meeting_id or "")
        return entry.occurred_at if stated is None else min(entry.occurred_at, stated)


def ages_of(cursor: Cursor, session_ids: Collection[str], meeting_ids: Collection[str] = ()) -> Ages:
    """Return the ages of sessions and meetings; of those without a stated time there is none."""
    sessions: dict[str, datetime] = {}
    meetings: dict[str, datetime] = {}
    if session_ids or meeting_ids:
        wanted = set(meeting_ids)
        for id_, meeting_id, stated in cursor.execute(_STATED, [list(session_ids), list(meeting_ids)]).fetchall():
            if stated is None:
                continue
            sessions[id_] = stated
            if meeting_id in wanted:
                meetings[meeting_id] = max(stated, meetings.get(meeting_id, stated))
    return Ages(sessions, meetings)
