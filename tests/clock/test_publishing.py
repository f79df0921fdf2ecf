"""Answers are on the queue once `flush` has returned; while it is away they wait, and a stop ends the wait."""

import threading

import psycopg
import pytest

from clock.publishing import Publishing
from tests.processes import free_port
from workers.queue.message import decode_answers
from workers.queue.observation import Answers
from workers.queue.publisher import QueueAwayError

NOTHING = Answers([], [])


def test_what_was_published_is_on_the_queue_after_a_flush(database_url: str) -> None:
    with Publishing(database_url, threading.Event()) as publishing:
        for _ in range(3):
            publishing.publish(NOTHING)
        publishing.flush()
        with psycopg.connect(database_url) as connection:
            texts = connection.execute("SELECT message -> 'args' ->> 0 FROM rollcall_queue.queue").fetchall()
    assert [decode_answers(text) for (text,) in texts] == [NOTHING] * 3


def test_a_queue_that_is_away_is_said_at_the_next_answer_and_a_stop_ends_the_wait() -> None:
    stopping = threading.Event()
    with Publishing(f"postgresql://nobody@127.0.0.1:{free_port()}/none", stopping) as publishing:
        publishing.publish(NOTHING)
        stopping.set()
        with pytest.raises(QueueAwayError):
            publishing.publish(NOTHING)
        publishing.flush()
