"""Lists of messages: the same rows in the same order, wherever they begin, on one page or on many."""

from itertools import product

import psycopg
import pytest

from console.queries.message_lists import Chosen, MessagePlace, find_messages
from console.queries.tables import Tables
from tests.console.commands.messages import endpoint, meant_for, message
from tests.console.commands.rows import at
from workers.rules.messages import DeliveryStatus

TYPES = ("session.started", "session.ended", "recording.uploaded")
STATUSES = ("delivered", "held", "given_up", "pending")


@pytest.fixture
def endpoints(database_url: str) -> list[str]:
    """Two endpoints and thirty messages; every fifth is for nobody, every third for both."""
    ids = sorted(endpoint(database_url, f"https://example.com/{number}") for number in range(2))
    for number in range(30):
        id_ = message(database_url, number, TYPES[number % 3], session_id=f"s{number % 4}")
        for place, one in enumerate(ids):
            if number % 5 and (number % 3 == 0 or number % 2 == place):
                meant_for(database_url, id_, one, STATUSES[(number + place) % 4])
    return ids


@pytest.mark.parametrize("type_", [None, "session.*", "session.ended", "*", "nothing", "session_*"])
@pytest.mark.parametrize("status", [None, *DeliveryStatus])
@pytest.mark.parametrize("session", [None, "s1"])
def test_a_filter_chooses_messages_over_pages(
    database_url: str, endpoints: list[str], type_: str | None, status: DeliveryStatus | None, session: str | None
) -> None:
    with psycopg.connect(database_url) as connection:
        tables = Tables(connection)
        everything = find_messages(tables, Chosen(), 1000)
        assert len(everything) > 30
        for endpoint_id, since in product([None, *endpoints, "gone"], [None, at(11)]):
            chosen = Chosen(endpoint=endpoint_id, status=status, type=type_, session=session, since=since)
            expected = [
                (row["id"], row["endpoint_id"])
                for row in everything
                if endpoint_id in {None, row["endpoint_id"]}
                and status in {None, row["status"]}
                and session in {None, row["session_id"]}
                and (since is None or row["occurred_at"] >= since)
                and (type_ in {None, "*", row["type"]} or (type_ == "session.*" and row["type"].startswith("session.")))
            ]
            assert pages(tables, chosen) == expected


def pages(tables: Tables, chosen: Chosen) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    after: MessagePlace | None = None
    while rows := find_messages(tables, chosen, 4, after):
        found += [(row["id"], row["endpoint_id"]) for row in rows]
        after = MessagePlace.read(str(MessagePlace.of(rows[-1])))
    return found
