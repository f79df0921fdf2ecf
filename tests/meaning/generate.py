"""Whole sessions as the vendor's webhooks report them, with all that goes wrong on the way, as hypothesis strategies.

A world is some sessions that go on at the same time, in a few meetings of a few organizations. A session is a list of
acts of a few bytes each (see `choices`): an act of zeros does nothing, so failing examples shrink to the acts that
matter. Times lie on a coarse grid, so that ties happen.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import strategies as st

from tests.meaning.acts import act
from tests.meaning.choices import Choices
from tests.meaning.session import Session, World
from tests.meaning.vendor import Dialect, Room
from workers.queue.delivery import Delivery
from workers.reading.scope import Scope

# Long past, so that what still goes on has reached its limit of 24 hours and "now" plays no part.
MORNING = datetime(2026, 3, 2, 9, 0, 4, 512000, tzinfo=UTC)
ORGANIZATIONS: list[str | None] = ["org-a", "org-a", "org-b", "org-of-others", None]
OURS = frozenset({"org-a", "org-b"})
ACT_BYTES, HEAD_BYTES = 18, 6
SESSIONS, ACTS_OF_ONE = (20, 30), (6, 24)

scopes = st.sampled_from(
    [
        Scope(None, None),
        Scope(frozenset({"w1", "w2"}), None),
        Scope(None, OURS),
        Scope(frozenset({"w1", "w2"}), OURS),
    ]
)

_session = st.tuples(
    st.binary(min_size=HEAD_BYTES, max_size=HEAD_BYTES),
    st.lists(st.binary(min_size=ACT_BYTES, max_size=ACT_BYTES), min_size=ACTS_OF_ONE[0], max_size=ACTS_OF_ONE[1]),
)


class Kept(list[Delivery]):
    """The deliveries that the receiver kept, ordered by id. Its repr is short: a failing test shows the bodies."""

    def __repr__(self) -> str:
        return f"<{len(self)} deliveries>"


def _world(sessions: Sequence[tuple[bytes, Sequence[bytes]]], morning: datetime) -> Kept:
    world = World(count())
    kept: list[Delivery] = []
    for number, (head, chunks) in enumerate(sessions):
        session = _begin(world, number, Choices(head), morning)
        for chunk in chunks:
            act(session, chunk)
        kept += session.sent
    return Kept(sorted(kept, key=lambda delivery: delivery.id))


def _begin(world: World, number: int, head: Choices, morning: datetime) -> Session:
    meeting = head.below(4)
    organization = ORGANIZATIONS[meeting] if head.below(8) != 7 else head.pick(ORGANIZATIONS)
    begin = morning + timedelta(seconds=30 * head.below(120))
    # sometimes a distinct moment, else all sessions of a world share the same ones
    begin += timedelta(microseconds=[0, 1000, 353][head.below(3)])
    dialect = Dialect(realtimekit=head.below(2) == 1, time_format=head.below(4))
    room = Room(f"s{number}", f"m{meeting}", organization, created_at=morning - timedelta(days=meeting + number % 2))
    return Session(world, room, dialect, begin)


@st.composite
def worlds(draw: st.DrawFn, sessions: tuple[int, int] = SESSIONS, morning: datetime = MORNING) -> Kept:
    """Return a strategy for the deliveries kept of this many sessions at once.

    Args:
        draw: given by hypothesis.
        sessions: how many at least and at most.
        morning: about when they begin; they are over, or lost, some hours later.
    """
    return _world(draw(st.lists(_session, min_size=sessions[0], max_size=sessions[1])), morning)


def batches(kept: Sequence[Delivery], seed: int, most: int = 60) -> list[list[Delivery]]:
    """Return deliveries in some order and batches, some twice; seed 0 is the order of ids, all at once, each once."""
    if seed == 0:
        return [list(kept)] if kept else []
    chance = random.Random(seed)
    order = list(kept) + chance.sample(list(kept), len(kept) // 10)
    if seed % 3 == 0:
        # late by up to a dozen places, as workers and networks do it
        places = [place + chance.uniform(0, 12) for place in range(len(order))]
        order = [delivery for _, delivery in sorted(zip(places, order, strict=True), key=lambda pair: pair[0])]
    else:
        chance.shuffle(order)
    result = []
    while order:
        size = min(len(order), chance.choice([1, chance.randint(1, most), chance.randint(1, most)]))
        result.append(order[:size])
        del order[:size]
    return result


schedules = st.integers(min_value=0, max_value=2**16)
