"""No delivery is lost, each is answered once, and the order is the order of arrival."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from receiver.keeping.group_commit import Bounds, GroupCommit, TooManyWaitingError
from receiver.keeping.keeper import Check, KeeperReadiness, KeeperState, NotKeptError
from receiver.metrics import ReceiverMetrics
from tests.receiver.list_keeper import EMPTY_SPOOL
from workers.queue.delivery import Delivery, Provider, new_delivery_id

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def delivery(size: int = 1) -> Delivery:
    return Delivery(
        id=new_delivery_id(NOW),
        received_at=NOW,
        provider=Provider.DYTE,
        delivery_uuid=None,
        webhook_id=None,
        body=b"x" * size,
    )


class StepKeeper:
    """Keeps a group when the test says so, or after as many turns of the loop as planned."""

    def __init__(self, turns: Sequence[int] = (), fails: Sequence[bool] = ()) -> None:
        self.kept: list[list[Delivery]] = []
        self.calls = 0
        self.is_busy = False
        self.turns = turns
        self.fails = fails
        self.called = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def start(self) -> None:
        """Nothing to get ready."""

    async def keep(self, group: Sequence[Delivery]) -> None:
        assert not self.is_busy, "one group at a time"
        assert group
        call, self.calls = self.calls, self.calls + 1
        self.is_busy = True
        self.called.set()
        try:
            await self.gate.wait()
            for _ in range(self.turns[call % len(self.turns)] if self.turns else 0):
                await asyncio.sleep(0)
            if self.fails and self.fails[call % len(self.fails)]:
                raise NotKeptError if call % 2 else OSError("a fault of the keeper's")
            self.kept.append(list(group))
        finally:
            self.is_busy = False

    async def readiness(self) -> KeeperReadiness:
        return KeeperReadiness(queue=Check(ok=True, detail=""), spool=Check(ok=True, detail=""))

    def dead_parts(self) -> list[str]:
        return []

    def state(self) -> KeeperState:
        return KeeperState(is_queue_trusted=True, spool=EMPTY_SPOOL)

    async def stop(self) -> None:
        """Nothing to let go of."""


def group_commit(keeper: StepKeeper, bounds: Bounds | None = None) -> GroupCommit:
    return GroupCommit(keeper, ReceiverMetrics(), bounds)


_ARRIVALS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400), st.booleans()), max_size=60)
_BOUNDS = st.builds(
    Bounds,
    waiting=st.integers(1, 30),
    waiting_bytes=st.integers(1, 3000),
    group=st.integers(1, 10),
    group_bytes=st.integers(1, 1000),
)


@given(
    arrivals=_ARRIVALS,
    bounds=_BOUNDS,
    turns=st.lists(st.integers(0, 5), max_size=5),
    fails=st.lists(st.booleans(), max_size=5),
)
def test_every_delivery_is_kept_once_in_order_or_its_sender_is_told_otherwise(
    arrivals: list[tuple[int, int, bool]], bounds: Bounds, turns: list[int], fails: list[bool]
) -> None:
    async def scenario() -> None:
        keeper = StepKeeper(turns, fails)
        commit = group_commit(keeper, bounds)
        senders: list[tuple[Delivery, asyncio.Task[None]]] = []
        for pause, size, gives_up in arrivals:
            for _ in range(pause):
                await asyncio.sleep(0)
            one = delivery(size)
            sender = asyncio.create_task(commit.keep(one))
            senders.append((one, sender))
            if gives_up:
                await asyncio.sleep(0)
                sender.cancel()
        outcomes = await asyncio.gather(*(sender for _, sender in senders), return_exceptions=True)
        await commit.drain()
        kept = [one.id for group in keeper.kept for one in group]
        assert len(kept) == len(set(kept)), "nothing is kept twice"
        in_order = [one.id for one, _ in senders if one.id in set(kept)]
        assert kept == in_order
        for (one, _), outcome in zip(senders, outcomes, strict=True):
            if outcome is None:
                assert one.id in kept
            elif not isinstance(outcome, asyncio.CancelledError):
                assert isinstance(outcome, (NotKeptError, TooManyWaitingError))
                assert one.id not in kept
        for group in keeper.kept:
            assert len(group) <= bounds.group
            assert len(group) == 1 or sum(one.size() for one in group) <= bounds.group_bytes

    asyncio.run(scenario())


def test_a_lone_delivery_goes_at_once_and_those_that_come_meanwhile_go_together_next() -> None:
    async def scenario() -> list[int]:
        keeper = StepKeeper()
        keeper.gate.clear()
        commit = group_commit(keeper)
        senders = [asyncio.create_task(commit.keep(delivery()))]
        await keeper.called.wait()
        senders += [asyncio.create_task(commit.keep(delivery())) for _ in range(50)]
        await asyncio.sleep(0)
        keeper.gate.set()
        await asyncio.gather(*senders)
        return [len(group) for group in keeper.kept]

    assert asyncio.run(scenario()) == [1, 50]


def test_the_vendors_ids_count_among_the_bytes_of_a_group() -> None:
    async def scenario() -> list[int]:
        keeper = StepKeeper()
        keeper.gate.clear()
        commit = group_commit(keeper, Bounds(group_bytes=100_000))
        senders = [asyncio.create_task(commit.keep(delivery()))]
        await keeper.called.wait()
        ids = "i" * 40_000
        senders += [asyncio.create_task(commit.keep(replace(delivery(), delivery_uuid=ids))) for _ in range(4)]
        await asyncio.sleep(0)
        keeper.gate.set()
        await asyncio.gather(*senders)
        return [len(group) for group in keeper.kept]

    assert asyncio.run(scenario()) == [1, 2, 2]


def test_beyond_the_bounds_the_next_is_refused_at_once_and_those_that_wait_are_kept() -> None:
    async def scenario(bounds: Bounds, size: int) -> int:
        keeper = StepKeeper()
        keeper.gate.clear()
        commit = group_commit(keeper, bounds)
        senders = [asyncio.create_task(commit.keep(delivery(size))) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyWaitingError):
            await commit.keep(delivery(size))
        keeper.gate.set()
        await asyncio.gather(*senders)
        await commit.keep(delivery(size))
        return sum(len(group) for group in keeper.kept)

    assert asyncio.run(scenario(Bounds(waiting=5), 1)) == 6
    assert asyncio.run(scenario(Bounds(waiting_bytes=50), 10)) == 6


def test_a_sender_that_goes_away_takes_nobody_with_it() -> None:
    async def scenario() -> int:
        keeper = StepKeeper()
        keeper.gate.clear()
        commit = group_commit(keeper)
        senders = [asyncio.create_task(commit.keep(delivery())) for _ in range(5)]
        await asyncio.sleep(0)
        senders[0].cancel()
        senders[3].cancel()
        await asyncio.sleep(0)
        keeper.gate.set()
        await asyncio.gather(*senders, return_exceptions=True)
        return sum(len(group) for group in keeper.kept)

    assert asyncio.run(scenario()) == 5


def test_after_draining_nothing_waits() -> None:
    async def scenario() -> None:
        keeper = StepKeeper(turns=[3])
        commit = group_commit(keeper, Bounds(group=2))
        senders = [asyncio.create_task(commit.keep(delivery())) for _ in range(7)]
        await asyncio.sleep(0)
        await commit.drain()
        assert sum(len(group) for group in keeper.kept) == 7
        await asyncio.gather(*senders)
        await commit.drain()

    asyncio.run(scenario())
