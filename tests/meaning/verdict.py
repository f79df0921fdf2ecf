"""The comparison of the product's tables with the reference model's, and how many sessions it is made for.

`ROLLCALL_EXAMPLES` says how many sessions each property test makes up, at least (default 2,000).
"""

import os
from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, note, settings

from tests.meaning.generate import SESSIONS
from tests.meaning.oracle import expected_tables
from tests.meaning.tables import Connection, differences, tables
from workers.queue.delivery import Delivery
from workers.scope import Scope

SESSIONS_IN_ALL = int(os.environ.get("ROLLCALL_EXAMPLES", "2000"))


def examples(share: float = 1) -> settings:
    """Return hypothesis's settings for a share of all sessions."""
    return settings(
        max_examples=max(1, int(SESSIONS_IN_ALL * share) // SESSIONS[0]),
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        # one example is a database's round with dozens of sessions: large, slow, and emptied by itself
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


def the_tables_are_right(connection: Connection, kept: Sequence[Delivery], scope: Scope) -> None:
    expected = expected_tables(kept, scope)
    wrong = differences(expected, tables(connection))
    if wrong:
        note("\n".join(wrong))
        for row, delivery in zip(expected["deliveries"], kept, strict=True):
            note(f"{row['status']:11} {delivery.id} {delivery.received_at:%H:%M:%S.%f} {str(delivery.body)[:1500]}")
    assert not wrong, wrong[0]
