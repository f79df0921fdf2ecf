"""Which copies of a status update count: the rule of sixty seconds, in tables."""

from datetime import UTC, datetime, timedelta

import pytest

from workers.queue.delivery import new_delivery_id
from workers.reading.facts import LivestreamFact
from workers.rules.copies import Update, judge

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def update(second: float, status: str, delivery_uuid: str | None, body: str | None = None) -> Update:
    received_at = START + timedelta(seconds=second)
    return Update(
        id=new_delivery_id(received_at),
        received_at=received_at,
        delivery_uuid=delivery_uuid,
        body_sha256=(body or status).encode(),
        status=status,
        session_id=None,
        states=LivestreamFact(None, None),
    )


# What came, as (second, status, delivery_uuid), and which of it counts.
CASES = {
    "each first copy counts": ([(0, "LIVE", "a"), (1, "OFFLINE", "b")], [True, True]),
    "a retry does not": ([(0, "LIVE", "a"), (3, "LIVE", "a")], [True, False]),
    "a copy after another status does": ([(0, "LIVE", "a"), (50, "OFFLINE", "b"), (61, "LIVE", "c")], [True] * 3),
    "not without another status": ([(0, "LIVE", "a"), (3_600, "LIVE", "c")], [True, False]),
    "not at sixty seconds to the dot": (
        [(0, "LIVE", "a"), (9, "OFFLINE", "b"), (60, "LIVE", "c")],
        [True, True, False],
    ),
    "just beyond it does": ([(0, "LIVE", "a"), (9, "OFFLINE", "b"), (60.000001, "LIVE", "c")], [True, True, True]),
    "not under a known id": ([(0, "LIVE", "a"), (9, "OFFLINE", "b"), (90, "LIVE", "a")], [True, True, False]),
    "not without an id": ([(0, "LIVE", "a"), (9, "OFFLINE", "b"), (90, "LIVE", None)], [True, True, False]),
    "the sixty seconds are from the copy before": (
        [(0, "LIVE", "a"), (9, "OFFLINE", "b"), (40, "LIVE", "c"), (90, "LIVE", "d")],
        [True, True, False, False],
    ),
    "a status of before the last copy is not in between": (
        [(0, "LIVE", "a"), (9, "OFFLINE", "b"), (70, "LIVE", "c"), (140, "LIVE", "d")],
        [True, True, True, False],
    ),
    "a repeat in between moves nothing": (
        [(0, "OFFLINE", "a"), (9, "LIVE", "b"), (20, "OFFLINE", "c"), (75, "LIVE", "d")],
        [True, True, False, False],
    ),
    "on and off for hours": (
        [(n * 100, ("LIVE", "OFFLINE")[n % 2], str(n)) for n in range(8)],
        [True] * 8,
    ),
}


@pytest.mark.parametrize(("came", "counts"), CASES.values(), ids=CASES)
def test_a_copy_counts_if_it_is_news(came: list[tuple[float, str, str | None]], counts: list[bool]) -> None:
    updates = [update(*one) for one in came]
    assert [one.counts for one in judge(updates)] == counts
    assert [one.counts for one in judge(updates[::-1])] == counts, "in any order of processing"


def test_a_copy_names_the_first_of_its_body() -> None:
    updates = [update(0, "LIVE", "a"), update(1, "LIVE", "a"), update(2, "OFFLINE", "b"), update(99, "LIVE", "c")]
    assert [one.first for one in judge(updates)] == [updates[0].id, updates[0].id, updates[2].id, updates[0].id]
    assert [one.is_first for one in judge(updates)] == [True, False, True, False]


def test_another_body_of_the_same_status_counts_at_once() -> None:
    updates = [update(0, "LIVE", "a", "one"), update(1, "LIVE", "b", "two")]
    assert [one.counts for one in judge(updates)] == [True, True]
