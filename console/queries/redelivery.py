"""Reads which messages a person means to send again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from console.queries.conditions import Conditions
from console.queries.message_lists import Chosen, choose
from console.queries.tables import Tables

# What waits is on its way already.
_CHOSEN: LiteralString = """
    SELECT d.endpoint_id, d.message_id, e.status = 'enabled' AS is_enabled
    FROM rollcall.message_deliveries AS d
    JOIN rollcall.messages AS m ON m.id = d.message_id
    JOIN rollcall.endpoints AS e ON e.id = d.endpoint_id
    WHERE d.status <> 'pending' AND """
# What states no time, such as a transcript, happened when it was received; it may be about a session of long ago.
_OLD: LiteralString = """
    SELECT d.message_id FROM rollcall.message_deliveries AS d
    JOIN rollcall.messages AS m ON m.id = d.message_id
    WHERE d.endpoint_id = %(endpoint)s AND d.status = 'held' AND d.reason = 'old' AND m.occurred_at >= %(since)s
        AND NOT EXISTS (SELECT FROM rollcall.sessions WHERE id = m.session_id AND ended_at < %(since)s)
        AND (m.type NOT LIKE 'livestream.%%' OR m.session_id IS NOT NULL OR EXISTS (
            SELECT FROM rollcall.sessions
            WHERE meeting_id = m.meeting_id AND (ended_at IS NULL OR ended_at >= %(since)s)
        ))
    ORDER BY d.position"""


@dataclass(frozen=True, slots=True)
class ToSend:
    """What is to be sent again.

    Attributes:
        messages: the ids for each enabled endpoint, in the order of their positions.
        disabled: how many more are for disabled endpoints.
    """

    messages: Mapping[str, Sequence[str]]
    disabled: int

    @property
    def count(self) -> int:
        """How many are for enabled endpoints."""
        return sum(map(len, self.messages.values()))


def to_send_again(tables: Tables, chosen: Chosen, message_id: str | None) -> ToSend:
    """Return what is chosen and does not wait already; `message_id` of None is any message."""
    messages: dict[str, list[str]] = {}
    disabled = 0
    conditions = Conditions(tables)
    choose(conditions, chosen)
    if message_id is not None:
        conditions.add("d.message_id = %(message)s", message=message_id)
    for row in tables.rows(f"{_CHOSEN}{conditions.where} ORDER BY d.position", conditions.values, {"is_enabled"}):
        if row["is_enabled"]:
            messages.setdefault(row["endpoint_id"], []).append(row["message_id"])
        else:
            disabled += 1
    return ToSend(messages, disabled)


def held_as_old(tables: Tables, chosen: Chosen) -> list[str]:
    """Return the messages for an endpoint that are held because they are old, of what happened since a time.

    Nothing of sessions that ended before it: a transcript that was received since then may be of any age.
    """
    return [row["message_id"] for row in tables.rows(_OLD, {"endpoint": chosen.endpoint, "since": chosen.since})]
