"""Workers of the version before run beside new ones: the database keeps right what they write, as they know no API.

An old worker is a new one that writes with the statements of that time (`statements_of_0007.sql`).
"""

import random
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.meaning.tables import Connection, Row
from tests.vendor_api.observing import EVERYTHING, all_answers, state
from tests.vendor_api.test_observing import (  # noqa: F401 - a fixture
    LATER,
    connections,
    forget,
    lossy,
    settings_of_worlds,
    twice_in_pieces,
    work,
)
from tests.vendor_api.world import made_up
from workers.queue.delivery import Delivery
from workers.queue.observation import Answers
from workers.tables import statements

OLD = dict(
    re.findall(
        r"-- (\w+)\n(.*?);\n", Path(__file__).with_name("statements_of_0007.sql").read_text(encoding="utf-8"), re.DOTALL
    )
)
# They know nothing of entries of the API.
NOTHING = "SELECT FROM unnest(%b::text[], %b::text[], %b::text[]) WHERE false"


@contextmanager
def an_old_worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        for name in ("SESSIONS", "PARTICIPANTS", "TIMELINE"):
            patched.setattr(statements, name, OLD[name])
        patched.setattr(statements, "TIMELINE_OVER_OBSERVED", NOTHING)
        yield


def test_the_statements_are_those_of_the_version_before() -> None:
    assert "last_event_at = greatest(old.last_event_at, excluded.last_event_at)" in OLD["SESSIONS"]
    assert not any(
        word in OLD[name]
        for name in ("SESSIONS", "PARTICIPANTS", "TIMELINE")
        for word in ("api_", "_source = CASE\n        WHEN least")
    )


def test_old_and_new_workers_together_make_the_tables_of_new_ones(
    connections: list[Connection],  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = connections[0]

    @settings_of_worlds
    @given(seed=st.integers(0, 2**32))
    def check(seed: int) -> None:
        chance = random.Random(seed)
        world = made_up(chance, 6)
        everything: list[Answers | Sequence[Delivery]] = [
            *lossy(world, chance),
            *twice_in_pieces(all_answers(world, LATER), chance),
        ]
        chance.shuffle(everything)
        forget(connection)
        for one in everything:
            work(connection, one)
        wanted = known(state(connection, EVERYTHING))
        forget(connection)
        for one in everything:
            if not isinstance(one, Answers) and chance.random() < 0.6:
                with an_old_worker(monkeypatch):
                    work(connection, one)
            else:
                work(connection, one)
        found = known(state(connection, EVERYTHING))
        assert {name: different(found[name], rows) for name, rows in wanted.items()} == {name: [] for name in wanted}

    check()


def different(found: Sequence[Row], wanted: Sequence[Row]) -> list[Row]:
    """What differs, row by row."""
    assert len(found) == len(wanted)
    pairs = zip(found, wanted, strict=True)
    return [
        {name: (one[name], two[name]) for name in one if one[name] != two[name]} for one, two in pairs if one != two
    ]


def known(tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Without when an event was last received, which an old worker can't add to what the API alone has told."""
    for row in tables["sessions"]:
        del row["last_received_at"], row["last_event_at"]
    return tables
