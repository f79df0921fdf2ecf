"""Each list finds what it is asked for by the index that is there for it, whatever the values: on large tables too."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
import pytest

from console.queries.conditions import Range
from console.queries.deliveries import DeliveryFilter, entries_by, find_deliveries
from console.queries.message_lists import Chosen, MessagePlace, find_messages
from console.queries.people import sessions_of_person
from console.queries.persons import narrowed
from console.queries.session_filter import SessionFilter
from console.queries.sessions import Place, find_session, find_sessions
from console.queries.tables import Row, Tables
from workers.queue.delivery import new_delivery_id
from workers.reading.status import Status
from workers.rules.messages import DeliveryStatus

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ID = new_delivery_id(NOW)
PLACE = Place(is_started=True, at=NOW, id="s")


class Planned(Tables):
    """Tables that note the plan of each statement, made without its values."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection)
        self.connection = connection
        self.plans: list[str] = []

    def rows(
        self, statement: LiteralString, values: Mapping[str, Any] | None = None, plain: Collection[str] = ()
    ) -> list[Row]:
        names = list(values or {})
        numbered = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", statement).replace("%%", "%")
        plan = self.connection.execute(f"EXPLAIN (GENERIC_PLAN) {numbered}".encode()).fetchall()
        self.plans.append("\n".join(row[0] for row in plan))
        return super().rows(statement, values, plain)


@pytest.fixture
def planned(database_url: str) -> Iterator[Planned]:
    with psycopg.connect(database_url) as connection:
        if connection.info.server_version < 160000:
            pytest.skip("before Postgres 16 there are no plans without values")
        # The tables are empty, so reading them whole would be cheapest.
        connection.execute("SET enable_seqscan = off")
        yield Planned(connection)


def listed(**chosen: Any) -> Callable[[Planned], object]:
    return lambda tables: find_sessions(tables, SessionFilter(**chosen), 51, PLACE, NOW)


def received(**chosen: Any) -> Callable[[Planned], object]:
    return lambda tables: find_deliveries(tables, DeliveryFilter(**chosen), 51, ID, NOW)


def sent(**chosen: Any) -> Callable[[Planned], object]:
    return lambda tables: find_messages(tables, Chosen(**chosen), 51, MessagePlace(7, "e"))


@pytest.mark.parametrize(
    ("ask", "indexes"),
    [
        (listed(), {"sessions_by_start"}),
        (listed(title="Algebra"), {"sessions_by_start"}),
        (listed(start_of_id="abc"), {"sessions_by_prefix"}),
        (listed(has_set_aside=True), {"deliveries_set_aside_of_session"}),
        (lambda tables: narrowed(tables, SessionFilter(person="a")), {"participants_of_person",
                                                                          "participants_by_name"}),
        (lambda tables: sessions_of_person(tables, "a", Range(), 51, PLACE), {"participants_of_person"}),
        (received(), {"deliveries_pkey"}),
        (received(status=Status.UNKNOWN), {"deliveries_set_aside"}),
        (received(event="meeting.summary"), {"deliveries_of_rare_events"}),
        (received(error="x"), {"deliveries_with_error"}),
        (received(start_of_id="0195"), {"deliveries_pkey"}),
        (lambda tables: entries_by(tables, ID), {"timeline_pkey"}),
        (sent(), {"messages_in_order"}),
        (sent(type="session.*"), {"messages_of_type"}),
        (sent(endpoint="e"), {"message_deliveries_of_endpoint"}),
        (sent(session="s"), {"messages_of_session"}),
        (sent(endpoint="e", status=DeliveryStatus.HELD), {"message_deliveries_set_aside"}),
    ],
)  # fmt: skip
def test_a_list_is_found_by_its_index(
    planned: Planned, ask: Callable[[Planned], object], indexes: Collection[str]
) -> None:
    ask(planned)
    assert {index for index in indexes if not any(f"{index} " in plan for plan in planned.plans)} == set()


def test_the_start_of_a_session_s_id_is_found_by_an_index(planned: Planned) -> None:
    with pytest.raises(Exception, match="There is no session"):
        find_session(planned, "abc")
    assert "sessions_by_prefix" in planned.plans[-1]
