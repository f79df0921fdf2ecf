"""Marks are notified once they have committed, and only those."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.automations.announcing.world import World
from workers.reading.scope import Scope
from workers.running.mark_notice import MarkNotice
from workers.settling.settle import settle
from workers.tables.marks import CHANNEL

HEARD_WITHIN = 20.0


@pytest.fixture
def listener(database_url: str) -> "Iterator[psycopg.Connection[tuple[object, ...]]]":
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        yield connection


@pytest.fixture
def notice(database_url: str) -> Iterator[MarkNotice]:
    stopping = threading.Event()
    notice = MarkNotice(database_url, stopping)
    notice.start()
    yield notice
    stopping.set()
    notice.wake()
    notice.join()
    assert not notice.is_alive()


def heard(listener: "psycopg.Connection[tuple[object, ...]]") -> int:
    """How many notifications come until the first, and with it."""
    return len(list(listener.notifies(timeout=HEARD_WITHIN, stop_after=1)))


def test_what_is_marked_is_notified_also_after_the_connection_was_lost(
    notice: MarkNotice, listener: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    notice.committed(is_marked=True)
    assert heard(listener) == 1
    ended = listener.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'rollcall worker (notifies)'"
    ).fetchall()
    assert ended == [(True,)]
    notice.committed(is_marked=True)
    # That one finds the connection gone; the one after it opens another.
    while not list(listener.notifies(timeout=0.1, stop_after=1)):
        notice.committed(is_marked=True)


def test_what_is_not_marked_is_not_notified(
    notice: MarkNotice, listener: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    for _ in range(100):
        notice.committed(is_marked=False)
    notice.committed(is_marked=True)
    assert heard(listener) == 1
    assert list(listener.notifies(timeout=0)) == []


def test_a_settlement_says_whether_it_is_marked(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        world = World(connection)
        with connection.transaction():
            assert not settle(connection, [world.started()], Scope()).is_marked  # there is no endpoint
        world.add_endpoint()
        with connection.transaction():
            assert settle(connection, [world.joined(5, "p-1")], Scope()).is_marked
