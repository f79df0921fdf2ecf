"""The announcer as a thread: it hears of marks, outlives the database, and takes turns with others of its kind."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from automations.announcing.announcer import Announcer
from automations.announcing.round import tell_changes
from automations.announcing.sweep import mark_missed
from tests.automations.announcing.world import AT_ONCE, WITHIN, World, types
from tests.receiver.running import wait_until


@contextmanager
def announcing(url: str, number: int = 1) -> Iterator[None]:
    stopping = threading.Event()
    threads = [threading.Thread(target=Announcer(url, WITHIN, AT_ONCE).run, args=(stopping,)) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)


def test_what_is_marked_is_told_and_what_settles_too(world: World, database_url: str) -> None:
    with announcing(database_url):
        world.settle(world.started(), world.joined(5, "p-1"), world.ended(90))
        wait_until(lambda: "session.settled" in types(world.rows("messages")), "the session is told of")
        world.settle(world.left(60, "p-1"))
        wait_until(lambda: "session.revised" in types(world.rows("messages")), "its change is told of")


def test_an_announcer_outlives_its_connection(world: World, database_url: str) -> None:
    with announcing(database_url):
        world.settle(world.started())
        wait_until(lambda: len(world.rows("messages")) == 1, "the first message is there")
        world.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'rollcall automations%'"
        )
        world.settle(world.joined(5, "p-1"))
        wait_until(lambda: len(world.rows("messages")) == 2, "the second message is there")


def test_several_announcers_tell_each_thing_once(world: World, database_url: str) -> None:
    with announcing(database_url, 3):
        for number in range(40):
            world.settle(
                world.started(number, f"s-{number % 8}"), world.joined(number, f"p-{number}", f"s-{number % 8}")
            )
        wait_until(lambda: not world.rows("marks"), "all marks are taken", seconds=30)
        wait_until(lambda: types(world.rows("messages")).count("participant.joined") == 40, "all joins are told")
    assert types(world.rows("messages")).count("session.started") == len(
        world.connection.execute("SELECT FROM rollcall.timeline WHERE kind = 'session.started'").fetchall()
    )


def test_a_session_in_other_hands_is_left_for_later(world: World, database_url: str) -> None:
    world.settle(world.started(), world.started(1, "s-2"))
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('rollcall.telling.session:s-1', 0))")
        assert tell_changes(world.connection, WITHIN, AT_ONCE).messages == 1
        assert [mark["subject"] for mark in world.rows("marks")] == ["s-1"]
    assert types(world.tell()) == ["session.started"]


def test_what_is_told_is_written_with_what_is_remembered_or_not_at_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.settle(world.started())
    world.connection.execute("ALTER TABLE rollcall.message_deliveries ADD CONSTRAINT no CHECK (message_id IS NULL)")
    with pytest.raises(psycopg.errors.CheckViolation):
        world.tell()
    assert (len(world.rows("marks")), world.rows("tellings"), world.rows("messages")) == (1, [], [])
    world.connection.execute("ALTER TABLE rollcall.message_deliveries DROP CONSTRAINT no")
    assert types(world.tell()) == ["session.started"]


def test_what_nobody_marked_is_found(world: World) -> None:
    world.start += timedelta(minutes=45)
    world.settle(world.started(), world.started(1, "s-2"))
    world.connection.execute("DELETE FROM rollcall.marks WHERE subject = 's-1'")
    assert mark_missed(world.connection) == 1
    assert sorted(message["session_id"] for message in world.tell()) == ["s-1", "s-2"]
    assert mark_missed(world.connection) == 0
