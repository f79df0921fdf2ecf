"""A message before it is written: what it says, when that happened, and whose it is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

# Bytes of a body as it is sent.
MOST_BYTES = 256 * 1024
# Postgres prints jsonb with a blank after each colon and comma; this leaves room for them.
_MOST_ENCODED = MOST_BYTES * 4 // 5
_MOST_CHARACTERS = 500
_CUT = "…"

_encode = msgspec.json.Encoder(decimal_format="number").encode


class NewMessage(msgspec.Struct, frozen=True):
    """A message to be written.

    Attributes:
        id: the UUID that its `webhook-id` is made of.
        type: such as `participant.left`.
        occurred_at: when it happened; its `timestamp`.
        data: its `data`.
        session_id: the session that it is about.
        meeting_id: the meeting that it is about.
        organization_id: the organization that it is about.
        known_since: when its subject was received, which is never before it happened, even by a receiver's clock that
            is behind: an endpoint that is newer is not sent it.
        is_old: whether it happened too long before it was committed to be sent unasked.
    """

    id: UUID
    type: str
    occurred_at: datetime
    data: Mapping[str, Any]
    session_id: str | None = None
    meeting_id: str | None = None
    organization_id: str | None = None
    known_since: datetime | None = None
    is_old: bool = False

    def body(self) -> bytes:
        """Return the body as JSON, small enough to be sent."""
        encoded = self._encoded(self.data)
        if len(encoded) <= _MOST_ENCODED:
            return encoded
        encoded = self._encoded(_without_rows(self.data))
        if len(encoded) <= _MOST_ENCODED:
            return encoded
        return self._encoded(_cut(_without_rows(self.data)))

    def _encoded(self, data: Mapping[str, Any]) -> bytes:
        return _encode({"type": self.type, "timestamp": self.occurred_at.astimezone(UTC), "data": data})


def _without_rows(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the number of attendance's rows in place of the rows."""
    rest = dict(data)
    rows = rest.pop("attendance", None)
    return {**rest, "attendance_total": len(rows)} if rows is not None else rest


def _cut(value: Any) -> Any:
    """Return a value with its long texts cut: names and titles can be as long as a delivery."""
    if isinstance(value, msgspec.Raw):
        return _cut(msgspec.json.decode(value))
    if isinstance(value, str):
        return value if len(value) <= _MOST_CHARACTERS else value[:_MOST_CHARACTERS] + _CUT
    if isinstance(value, Mapping):
        return {name[:_MOST_CHARACTERS]: _cut(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_cut(one) for one in value[:_MOST_CHARACTERS]]
    return value
