"""Reads a body from the ledger again, independent of the current scope: its delivery counts."""

from datetime import datetime
from functools import lru_cache
from typing import Self
from uuid import UUID

import msgspec

from workers.reading.facts import Facts
from workers.reading.reading import Reading, read, without_meeting
from workers.reading.scope import Scope

# Characters: the cache must not grow to gigabytes.
_LONGEST_REMEMBERED = 4096


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A delivery that counts, with the ledger's columns needed to read it again.

    Attributes:
        id: of the delivery.
        received_at: when it was received.
        session_id: the session that it counts for.
        meeting_id: the meeting that it counts for. With neither, a status update counts for its subject alone.
        payload: the body as stored, or None.
        raw: its bytes, if jsonb can't hold it. With neither, it repeats another delivery, which holds the body.
    """

    id: UUID
    received_at: datetime
    session_id: str | None
    meeting_id: str | None
    payload: str | None
    raw: bytes | None

    @property
    def holds_body(self) -> bool:
        """Whether its row holds the body; for a repeat the first copy's row does."""
        return self.payload is not None or self.raw is not None

    @property
    def body(self) -> bytes:
        """The body in its row."""
        return self.payload.encode() if self.payload is not None else self.raw or b""

    def facts(self) -> Facts | None:
        """Return what the delivery states; None if its row holds no body or an unreadable one."""
        return self.read(self).facts if self.holds_body else None

    def read(self, holder: Self) -> Reading:
        """Return the delivery's reading; `holder` is the row that holds its body, this one or that of a copy."""
        return _read(holder.body, self.received_at, self.session_id, self.meeting_id)

    def read_remembered(self, holder: Self) -> Reading:
        """Return a status update's reading, without its body.

        Cached, because all updates of a recording are read again with each new one.
        """
        if holder.payload is None or len(holder.payload) > _LONGEST_REMEMBERED:
            return _without_body(self.read(holder))
        return _remembered(holder.payload, self.received_at, self.session_id, self.meeting_id)


@lru_cache(maxsize=4096)
def _remembered(payload: str, received_at: datetime, session_id: str | None, meeting_id: str | None) -> Reading:
    return _without_body(_read(payload.encode(), received_at, session_id, meeting_id))


def _read(body: bytes, received_at: datetime, session_id: str | None, meeting_id: str | None) -> Reading:
    reading = read(body, received_at, None, Scope())
    return without_meeting(reading) if session_id is None and meeting_id is None else reading


def _without_body(reading: Reading) -> Reading:
    return msgspec.structs.replace(reading, payload=None, raw=None)
