"""The ids of messages: each is made of what it says, so whatever is looked at twice gives the same message.

Pure: no clock, no chance, no database.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID, uuid5

# Any fixed UUID does, but it must never change: receivers remember the ids made with it.
_OURS = UUID("5b0f2f0a-6f8e-5d0b-9a55-0d1c2a7be1f3")
_PREFIX = "msg_"


def of_entry(type_: str, session_id: str | None, subject_id: str, occurred_at: datetime) -> UUID:
    """Return the id for an entry of the timeline whose event states when it happened (an aware time)."""
    return _made_of(type_, session_id or "", subject_id, occurred_at.astimezone(UTC).isoformat())


def of_copy(type_: str, session_id: str | None, subject_id: str, digest: bytes, copy: int) -> UUID:
    """Return the id for an entry whose event states no time: by the body's SHA-256, and the number of its copy."""
    return _made_of(type_, session_id or "", subject_id, digest.hex(), str(copy))


def of_revision(type_: str, session_id: str, revision: int) -> UUID:
    """Return the id for what a session came to."""
    return _made_of(type_, session_id, str(revision))


def of_withdrawal(told: UUID) -> UUID:
    """Return the id for the withdrawal of a message."""
    return _made_of("entry.withdrawn", str(told))


def of_parts(type_: str, *parts: str) -> UUID:
    """Return the id for any other message, of what makes it the same one."""
    return _made_of(type_, *parts)


def standing_again(base: UUID, withdrawn: Collection[UUID]) -> UUID:
    """Return the id for an entry that may stand again after its withdrawal: receivers take `base` for withdrawn."""
    id_, times = base, 0
    while id_ in withdrawn:
        times += 1
        id_ = _made_of("again", str(base), str(times))
    return id_


def webhook_id(id_: UUID) -> str:
    """Return an id as messages carry it."""
    return f"{_PREFIX}{id_}"


def _made_of(*parts: str) -> UUID:
    # The length of each part keeps two lists of parts with one joined text apart.
    return uuid5(_OURS, "".join(f"{len(part)}:{part}" for part in parts))
