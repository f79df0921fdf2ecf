"""Bodies that the ledger holds, read again as they count: for tables that are made from it once more."""

from datetime import datetime
from functools import lru_cache

from workers.reading.facts import Facts
from workers.reading.reading import Reading, read_again

# In characters: what is remembered must not grow to gigabytes.
_LONGEST_REMEMBERED = 4096


def facts_of(
    payload: str | None, raw: bytes | None, received_at: datetime, session_id: str | None, meeting_id: str | None
) -> Facts | None:
    """Return the facts of a delivery that counts, by the columns of its row; None where it holds no body."""
    body = payload.encode() if payload is not None else raw
    return None if body is None else read_again(body, received_at, session_id, meeting_id).facts


def reading_of(
    payload: str | None, raw: bytes | None, received_at: datetime, session_id: str | None, meeting_id: str | None
) -> Reading:
    """Return the reading of a status update that counts, without its body.

    A recording's updates are read with each that follows, so readings are remembered: they are not to be changed.
    """
    if payload is None or len(payload) > _LONGEST_REMEMBERED:
        body = payload.encode() if payload is not None else raw or b""
        return _without_body(read_again(body, received_at, session_id, meeting_id))
    return _remembered(payload, received_at, session_id, meeting_id)


@lru_cache(maxsize=4096)
def _remembered(payload: str, received_at: datetime, session_id: str | None, meeting_id: str | None) -> Reading:
    return _without_body(read_again(payload.encode(), received_at, session_id, meeting_id))


def _without_body(reading: Reading) -> Reading:
    reading.payload = reading.raw = None
    return reading
