"""`rollcall queue parked` on both queues."""

import base64
import json
from pathlib import Path

import pytest

from tests.console.conftest import Rollcall
from tests.workers.queue.deliveries import in_queue, note, wait_until
from tests.workers.queue.unreadable_messages import envelope, put
from workers.queue.brokers import open_broker
from workers.queue.message import QUEUE_NAME
from workers.reading.scope import Scope
from workers.running.worker import create_worker
from workers.settings import WorkerSettings

SECRET = "what no list may show"
TOMORROW = envelope(actor_name="an_actor_of_tomorrow", args=[SECRET])
NO_GROUP = envelope(args=[SECRET])


def count(broker_url: str) -> int:
    messages = open_broker(broker_url).parked(QUEUE_NAME)
    try:
        return messages.count()
    finally:
        messages.close()


@pytest.fixture
def with_parked(broker_url: str, queue_database: str) -> str:
    """The URL of a queue beside which two messages are parked."""
    settings = WorkerSettings(queue_database, broker_url, Scope(), host="", metrics_port=0)
    worker = create_worker(settings, note, threads=1)
    worker.start()
    put(broker_url, TOMORROW)
    wait_until(lambda: count(broker_url) == 1)
    put(broker_url, NO_GROUP)
    wait_until(lambda: count(broker_url) == 2)
    assert worker.stop()
    return broker_url


def test_a_list_says_why_and_how_large_and_not_what(rollcall: Rollcall, with_parked: str, queue_database: str) -> None:
    done = rollcall("queue", "parked", DATABASE_URL=queue_database, BROKER_URL=with_parked)
    assert done.returncode == 0, done.stderr
    heading, first, second = done.stdout.splitlines()
    assert heading.split() == ["PARKED", "(UTC)", "REASON", "ACTOR", "BYTES", "MESSAGE"]
    assert first.split()[2:4] == ["unknown_actor", "an_actor_of_tomorrow"]
    assert second.split()[2:4] == ["no_group", "keep"]
    as_json = rollcall("queue", "parked", "--json", DATABASE_URL=queue_database, BROKER_URL=with_parked)
    assert [set(one) for one in json.loads(as_json.stdout)] == [{"id", "parked_at", "actor", "bytes", "reason"}] * 2
    assert SECRET not in done.stdout + as_json.stdout
    assert count(with_parked) == 2


def test_what_is_saved_is_whole_and_for_its_owner_alone(
    rollcall: Rollcall, with_parked: str, queue_database: str, folder: Path
) -> None:
    urls = {"DATABASE_URL": queue_database, "BROKER_URL": with_parked}
    done = rollcall("queue", "parked", "save", "parked.jsonl", **urls)
    assert done.stdout == "2 messages saved.\n"
    assert (folder / "parked.jsonl").stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in (folder / "parked.jsonl").read_text().splitlines()]
    assert [json.loads(base64.b64decode(line["message"])) for line in lines] == [TOMORROW, NO_GROUP]
    assert count(with_parked) == 2
    again = rollcall("queue", "parked", "save", "parked.jsonl", "--remove", **urls)
    assert again.returncode == 1
    assert again.stderr == "parked.jsonl already exists: name another file.\n"
    assert count(with_parked) == 2
    removed = rollcall("queue", "parked", "save", "other.jsonl", "--remove", **urls)
    assert removed.stdout == "2 messages saved and deleted from the queue.\n"
    assert count(with_parked) == 0


def test_a_file_that_can_not_be_written_takes_nothing_out(
    rollcall: Rollcall, with_parked: str, queue_database: str
) -> None:
    urls = {"DATABASE_URL": queue_database, "BROKER_URL": with_parked}
    done = rollcall("queue", "parked", "save", "/dev/full/parked", "--remove", **urls)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert count(with_parked) == 2


def test_return_puts_all_back(rollcall: Rollcall, with_parked: str, queue_database: str) -> None:
    done = rollcall("queue", "parked", "return", DATABASE_URL=queue_database, BROKER_URL=with_parked)
    assert done.stdout == "2 messages put back into the queue.\n"
    assert count(with_parked) == 0
    wait_until(lambda: in_queue(with_parked) == 2)


def test_doctor_tells_of_parked_messages(rollcall: Rollcall, with_parked: str, queue_database: str) -> None:
    done = rollcall("doctor", DATABASE_URL=queue_database, BROKER_URL=with_parked)
    [line] = [line for line in done.stdout.splitlines() if "parked" in line]
    assert line.startswith("warning")
    assert "2 messages are parked that no worker could read" in line


def test_a_queue_that_is_away_is_one_line(rollcall: Rollcall, database_url: str) -> None:
    done = rollcall("queue", "parked", DATABASE_URL=database_url, BROKER_URL="amqp://guest:geheim@127.0.0.1:1")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "geheim" not in done.stderr
