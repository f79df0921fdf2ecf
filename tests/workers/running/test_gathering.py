"""Groups that wait while a transaction is under way go together in the next, each answered by its own commit."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from workers.queue.delivery import Delivery, Provider, new_delivery_id
from workers.running.gathering import MOST_DELIVERIES, Gathering
from workers.settling.apart import Apart
from workers.settling.settlement import NOTHING


def _group(size: int = 1) -> list[Delivery]:
    now = datetime.now(UTC)
    return [Delivery(new_delivery_id(now), now, Provider.DYTE, None, None, b"{}") for _ in range(size)]


class _Commits:
    """Commits that wait until they are released, and fail on request."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.under_way = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.failure: Exception | None = None

    def __call__(self, deliveries: Sequence[Delivery]) -> Apart:
        self.under_way.release()
        assert self.let_go.acquire(timeout=10)
        if self.failure is not None:
            raise self.failure
        self.sizes.append(len(deliveries))
        return Apart(NOTHING, {})


def _wait_for_groups(gathering: Gathering, count: int) -> None:
    deadline = threading.Event()
    while len(gathering._waiting) < count:  # noqa: SLF001 - there is no other way to know that all have come
        deadline.wait(0.001)


@pytest.mark.parametrize(
    ("first", "others", "transactions"),
    [(1, [1, 2, 3], [1, 6]), (1, [], [1]), (1, [MOST_DELIVERIES, 1], [1, MOST_DELIVERIES, 1])],
)
def test_what_waits_goes_together_up_to_the_bound(first: int, others: list[int], transactions: list[int]) -> None:
    commits = _Commits()
    gathering = Gathering(commits)
    with ThreadPoolExecutor(len(others) + 1) as threads:
        done = [threads.submit(gathering.settle, _group(first))]
        assert commits.under_way.acquire(timeout=10)
        for position, size in enumerate(others, start=1):
            done.append(threads.submit(gathering.settle, _group(size)))
            _wait_for_groups(gathering, position)
        commits.let_go.release(len(transactions))
        for one in done:
            one.result(timeout=10)
    assert commits.sizes == transactions


def test_a_commit_that_fails_fails_each_group_that_was_in_it_and_no_other() -> None:
    commits = _Commits()
    gathering = Gathering(commits)
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(gathering.settle, _group())
        assert commits.under_way.acquire(timeout=10)
        others = [threads.submit(gathering.settle, _group()) for _ in range(2)]
        _wait_for_groups(gathering, 2)
        commits.let_go.release()
        first.result(timeout=10)
        commits.failure = RuntimeError("no")
        commits.let_go.release()
        for one in others:
            with pytest.raises(RuntimeError):
                one.result(timeout=10)
    assert commits.sizes == [1]
