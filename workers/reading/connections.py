"""A row of the vendor's participants is one connection; where it is a person with several, which ones?

The vendor describes a row as a peer, and elsewhere says that all of a person's peers map to one participant. A row is
several connections if its `duration` is shorter than from `joined_at` to `left_at`, or if its peer events tell of
several peers. Its ends are `joined_at` and `left_at`; the peer events, which the published samples have seconds off,
tell only what lies between.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

JOINING, LEAVING = "PEER_JOINING", "PEER_LEAVING"
# The vendor rounds durations to the ten-thousandth of a minute.
_ROUNDING = timedelta(seconds=1)


class Span(msgspec.Struct, frozen=True, gc=False):
    """From when to when a peer was there; `is_several`: with gaps that are not known."""

    peer_id: str
    joined_at: datetime | None
    left_at: datetime | None
    is_several: bool = False


def spans_of(row: Span, duration: timedelta | None, peer_events: Sequence[tuple[str, str, datetime]]) -> list[Span]:
    """Return the connections of a row.

    Args:
        row: the row as one connection.
        duration: how long the vendor says it was there in all.
        peer_events: name, peer and time of each.
    """
    joins = [(at, peer_id) for name, peer_id, at in peer_events if name == JOINING]
    peers = {peer_id for _, peer_id, _ in peer_events}
    has_gaps = (
        duration is not None
        and row.joined_at is not None
        and row.left_at is not None
        and duration < row.left_at - row.joined_at - _ROUNDING
    )
    if len(peers) <= 1 and len(joins) <= 1 and not has_gaps:
        return [row]
    spans = _by_peer(row, peer_events)
    return spans or [msgspec.structs.replace(row, is_several=True)]


def _by_peer(row: Span, peer_events: Sequence[tuple[str, str, datetime]]) -> list[Span]:
    """Return a span for each peer; none if the events don't tell them apart."""
    joined: dict[str, datetime] = {}
    left: dict[str, datetime] = {}
    for name, peer_id, at in sorted(peer_events, key=lambda event: event[2]):
        if name == JOINING:
            if peer_id in joined:
                return []
            joined[peer_id] = at
        elif name == LEAVING:
            left[peer_id] = at
    order = sorted(joined, key=lambda peer_id: (joined[peer_id], peer_id))
    last = _last_to_leave(order, left, is_there=row.left_at is None)
    if len(order) <= 1 or any(peer_id not in left for peer_id in order if peer_id != last):
        return []
    return [
        Span(
            peer_id,
            row.joined_at or joined[peer_id] if peer_id == order[0] else joined[peer_id],
            row.left_at if peer_id == last else left[peer_id],
        )
        for peer_id in order
    ]


def _last_to_leave(order: Sequence[str], left: dict[str, datetime], *, is_there: bool) -> str | None:
    """Return the peer whose end is the row's: the one that left last, or, if any, one whose leave nothing tells."""
    there = [peer_id for peer_id in order if peer_id not in left]
    if there:
        return there[-1]
    if is_there or not order:
        return None
    return max(order, key=lambda peer_id: left[peer_id])
