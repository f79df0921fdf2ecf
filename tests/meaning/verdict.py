"""The comparison of the product's tables with the reference model's, and how many sessions it is made for.

`ROLLCALL_EXAMPLES` says how many sessions each property test makes up, at least (default 2,000).
"""

import os
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, Phase, settings

from tests.meaning.generate import SESSIONS
from tests.meaning.oracle import expected_tables
from tests.meaning.tables import Connection, differences, empty, tables
from workers.queue.delivery import Delivery
from workers.reading.scope import Scope

Batches = Sequence[Sequence[Delivery]]

SESSIONS_IN_ALL = int(os.environ.get("ROLLCALL_EXAMPLES", "2000"))


def examples(share: float = 1) -> settings:
    """Return hypothesis's settings for a share of all sessions."""
    return settings(
        max_examples=max(1, int(SESSIONS_IN_ALL * share) // SESSIONS[0]),
        deadline=None,
        database=None,
        # no shrinking by hypothesis: of a failing example `require_right_tables` finds the few deliveries that matter
        phases=(Phase.explicit, Phase.generate),
        # one example is a database's round with dozens of sessions: large, slow, and emptied by itself
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )


def require_right_tables(
    connection: Connection, batches: Batches, scope: Scope, process: Callable[[Batches], object]
) -> None:
    """Process batches into emptied tables and compare these with the reference model's.

    Args:
        connection: to look at the tables with.
        batches: what to process.
        scope: the scope that the tables must be right for.
        process: does with batches what is put to the test.

    Raises:
        AssertionError: the tables are wrong; it tells in what, for as few deliveries as were found to make them wrong.
    """

    def wrong(some: Batches) -> list[str]:
        empty(connection)
        process(some)
        return differences(
            expected_tables((delivery for batch in some for delivery in batch), scope), tables(connection)
        )

    lines = wrong(batches)
    if lines:
        fewest, lines = _fewest(batches, lines, wrong)
        raise AssertionError("\n".join([*lines, f"counting {scope}, after these batches:", *map(_shown, fewest)]))


def _fewest(batches: Batches, lines: list[str], wrong: Callable[[Batches], list[str]]) -> tuple[Batches, list[str]]:
    """Leave out deliveries, many at once, then fewer, while the tables remain wrong."""
    count = sum(map(len, batches))
    while count:
        begin = 0
        while begin < sum(map(len, batches)):
            left = _without(batches, begin, begin + count)
            if found := wrong(left):
                batches, lines = left, found
            else:
                begin += count
        count //= 2
    return batches, lines


def _without(batches: Batches, begin: int, end: int) -> Batches:
    place, left = 0, []
    for batch in batches:
        left.append([delivery for at, delivery in enumerate(batch, place) if not begin <= at < end])
        place += len(batch)
    return [batch for batch in left if batch]


def _shown(batch: Sequence[Delivery]) -> str:
    return "\n".join(
        f"{'-' if place == 0 else ' '} {delivery.id} {delivery.received_at:%H:%M:%S.%f} uuid={delivery.delivery_uuid} "
        f"webhook={delivery.webhook_id} {str(delivery.body)[:1500]}"
        for place, delivery in enumerate(batch)
    )
