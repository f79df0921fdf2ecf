"""Answers are on the queue once `flush` has returned; while it is away they wait, and a stop ends the wait."""

import threading
from datetime import UTC, datetime

import psycopg
import pytest

from clock.publishing import ENOUGH, Publishing
from tests.processes import free_port
from tests.workers.queue.deliveries import wait_until
from workers.queue.delivery import Provider, new_delivery_id
from workers.queue.message import decode_answers
from workers.queue.observation import Answers, Lookup, Observation, ObservedKind
from workers.queue.publisher import QueueAwayError

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def some(observations: int, session_id: str = "s") -> Answers:
    """Return answers with that many observations."""
    kept = [
        Observation(
            new_delivery_id(AT), AT, Provider.DYTE, ObservedKind.PARTICIPANT, f"p-{number}", session_id, "o", b"{}"
        )
        for number in range(observations)
    ]
    return Answers(kept, [Lookup(session_id, AT, is_found=True, is_ended=True, participants=observations)])


def queued(database_url: str) -> list[Answers]:
    """Return the answers of each message."""
    with psycopg.connect(database_url) as connection:
        texts = connection.execute("SELECT message -> 'args' ->> 0 FROM rollcall_queue.queue ORDER BY mtime").fetchall()
    return [decode_answers(text) for (text,) in texts]


def test_what_was_published_is_on_the_queue_after_a_flush(database_url: str) -> None:
    published = [some(3, f"s-{number}") for number in range(5)]
    with Publishing(database_url, threading.Event()) as publishing:
        for one in published:
            publishing.publish(one)
        publishing.flush()
        assert Answers.of(queued(database_url)) == Answers.of(published)


def test_those_of_a_second_share_messages_and_need_no_flush(database_url: str) -> None:
    published = [some(1, f"s-{number}") for number in range(50)]
    with Publishing(database_url, threading.Event()) as publishing:
        for one in published:
            publishing.publish(one)
        wait_until(lambda: Answers.of(queued(database_url)) == Answers.of(published))
        assert len(queued(database_url)) < len(published)


def test_the_end_sends_what_waits(database_url: str) -> None:
    with Publishing(database_url, threading.Event()) as publishing:
        publishing.publish(some(1))
    assert len(queued(database_url)) == 1


def test_a_queue_that_is_away_is_said_by_the_flush_and_a_stop_ends_the_wait() -> None:
    stopping = threading.Event()
    with Publishing(f"postgresql://nobody@127.0.0.1:{free_port()}/none", stopping) as publishing:
        publishing.publish(some(1))
        stopping.set()
        with pytest.raises(QueueAwayError):
            publishing.flush()
        publishing.flush()


def test_a_queue_that_is_away_is_said_at_the_next_answer_once_memory_is_full() -> None:
    stopping = threading.Event()
    with Publishing(f"postgresql://nobody@127.0.0.1:{free_port()}/none", stopping) as publishing:
        publishing.publish(some(ENOUGH))
        publishing.publish(some(ENOUGH))
        stopping.set()
        with pytest.raises(QueueAwayError):
            publishing.publish(some(1))
