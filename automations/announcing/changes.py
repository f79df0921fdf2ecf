"""What has changed between two states of a session, as JSON Pointers, without keeping the former state.

Of the former one only digests are kept, one for each member: no names or links stay behind in it. Rows of a list are
told apart by their key, not by their place.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

# The key of each list's rows.
KEYS: Mapping[str, str] = {"attendance": "person", "recordings": "id"}

_BYTES = 4
_encode = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode


def digest(state: Mapping[str, Any]) -> bytes:
    """Return a digest of a whole state."""
    return hashlib.sha256(_encode(state)).digest()


def leaves(state: Mapping[str, Any]) -> bytes:
    """Return the digests of a state's members, each with that of its pointer: eight bytes a member."""
    return b"".join(sorted(_short(pointer.encode()) + _short(_encode(value)) for pointer, value in _members(state)))


def changed(former: bytes, state: Mapping[str, Any]) -> list[str]:
    """Return the pointers of members that differ from a former state, in order.

    Args:
        former: the leaves of the former state.
        state: the present one. A row that is gone can't be named any more: its list is.
    """
    before = {
        former[at : at + _BYTES]: former[at + _BYTES : at + 2 * _BYTES] for at in range(0, len(former), 2 * _BYTES)
    }
    now = {_short(pointer.encode()): (pointer, _short(_encode(value))) for pointer, value in _members(state)}
    differing = {pointer for key, (pointer, value) in now.items() if before.get(key) != value}
    if len(before.keys() - now.keys()) > 0:
        differing |= {f"/{name}" for name in state if name in KEYS or f"{name}_total" in state}
    return sorted(differing)


def _members(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in state.items():
        if name in KEYS:
            for row in value:
                key = _escaped(str(row[KEYS[name]]))
                yield from ((f"/{name}/{key}/{_escaped(member)}", one) for member, one in row.items())
        elif isinstance(value, Mapping):
            yield from ((f"/{name}/{_escaped(member)}", one) for member, one in value.items())
        else:
            yield f"/{name}", value


def _escaped(segment: str) -> str:
    return segment.replace("~", "~0").replace("/", "~1")


def _short(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=_BYTES).digest()
