"""The worker as a process: killed, frozen, cut off from queue or database, stopped. No delivery is lost by it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from tests.faults.tcp_proxy import TcpProxy
from tests.processes import free_port
from tests.queues import proxy_of, through
from tests.workers.queue.deliveries import a_delivery, in_queue, kept_ids, note, wait_until
from workers.queue.brokers import open_broker
from workers.queue.delivery import Delivery
from workers.queue.message import QUEUE_NAME, group_message
from workers.queue.publisher import QueueAwayError
from workers.reading.scope import Scope
from workers.running.worker import create_worker
from workers.settings import WorkerSettings
from workers.settling.settlement import Settlement

StartProcess = Callable[..., "subprocess.Popen[bytes]"]

# Seconds; a tenth of what it is for users, so that tests need not wait as long.
DEAD_AFTER = "2"

# What the product promises for a dead worker's messages, in seconds.
TAKEN_OVER_WITHIN = 60.0


@pytest.fixture
def start_process(queue_database: str, broker_url: str, tmp_path: Path) -> Iterator[StartProcess]:
    """Start `python -m workers` on the queue; whatever is left of it at the end is killed."""
    processes: list[subprocess.Popen[bytes]] = []
    log = (tmp_path / "log").open("ab")

    def start(*arguments: str, **variables: str) -> "subprocess.Popen[bytes]":
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "DATABASE_URL": queue_database,
            "BROKER_URL": broker_url,
            "METRICS_PORT": str(free_port()),
            **variables,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "workers", "--dead-after", DEAD_AFTER, *arguments],
            env=environment,
            cwd=tmp_path,
            stderr=log,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
    log.close()


def publish(broker_url: str, *deliveries: Delivery) -> None:
    broker = open_broker(broker_url)

    def is_taken(delivery: Delivery) -> bool:
        # A queue that is just being made refuses; who publishes offers again.
        try:
            broker.enqueue(group_message([delivery]))
        except QueueAwayError:
            return False
        return True

    for delivery in deliveries:
        wait_until(partial(is_taken, delivery))
    broker.close()


def waiting(broker_url: str) -> int:
    """How many messages no worker has in hand."""
    broker = open_broker(broker_url)
    try:
        return broker.waiting(QUEUE_NAME)
    finally:
        broker.close()


def in_ledger(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM rollcall.deliveries").fetchone()
    return int(row[0]) if row else 0


@contextlib.contextmanager
def ledger_locked(database_url: str) -> Iterator[Callable[[], bool]]:
    """Block all settling in the context; the function returns whether a worker is trying to."""
    with psycopg.connect(database_url) as holder, psycopg.connect(database_url, autocommit=True) as watcher:
        holder.execute("LOCK TABLE rollcall.deliveries IN ACCESS EXCLUSIVE MODE")

        def somebody_waits() -> bool:
            query = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'rollcall.deliveries'::regclass"
            return watcher.execute(query).fetchone() is not None

        yield somebody_waits


def test_what_a_killed_worker_had_in_hand_is_taken_over_in_time(
    start_process: StartProcess, broker_url: str, queue_database: str
) -> None:
    publish(broker_url, *(a_delivery(b'{"number":%d}' % number) for number in range(10)))
    with ledger_locked(queue_database) as somebody_waits:
        victim = start_process()
        wait_until(somebody_waits)
        victim.kill()
        victim.wait()
    start_process()
    wait_until(lambda: in_ledger(queue_database) == 10, TAKEN_OVER_WITHIN)
    wait_until(lambda: in_queue(broker_url) == 0)


@pytest.mark.rabbitmq
@pytest.mark.parametrize("broker_url", ["rabbitmq"], indirect=True)  # on Postgres it is as with a killed one
def test_a_worker_that_was_frozen_in_the_middle_doubles_nothing(
    start_process: StartProcess, broker_url: str, queue_database: str
) -> None:
    publish(broker_url, a_delivery())
    with ledger_locked(queue_database) as somebody_waits:
        sleeper = start_process()
        wait_until(somebody_waits)
        sleeper.send_signal(signal.SIGSTOP)
    start_process()
    publish(broker_url, *(a_delivery(b'{"number":%d}' % number) for number in range(5)))
    wait_until(lambda: in_ledger(queue_database) == 6, TAKEN_OVER_WITHIN)
    sleeper.send_signal(signal.SIGCONT)
    publish(broker_url, *(a_delivery(b'{"more":%d}' % number) for number in range(5)))
    wait_until(lambda: in_ledger(queue_database) == 11)
    sleeper.terminate()
    assert sleeper.wait(30) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_an_idle_worker_in_order(
    start_process: StartProcess, broker_url: str, queue_database: str, number: signal.Signals
) -> None:
    process = start_process()
    publish(broker_url, a_delivery())
    wait_until(lambda: in_ledger(queue_database) == 1)
    process.send_signal(number)
    assert process.wait(30) == 0


def test_a_stop_while_the_database_is_away_gives_the_message_back(
    start_process: StartProcess, broker_url: str, queue_database: str
) -> None:
    publish(broker_url, a_delivery())
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    process = start_process(DATABASE_URL=nowhere)
    log = Path(f"/proc/{process.pid}/cwd/log").resolve()
    wait_until(lambda: b"database_away" in log.read_bytes())
    process.terminate()
    assert process.wait(30) == 0
    wait_until(lambda: in_queue(broker_url) == 1)
    start_process()
    wait_until(lambda: in_ledger(queue_database) == 1)


def test_several_processes_are_one_worker(start_process: StartProcess, broker_url: str, queue_database: str) -> None:
    port = free_port()
    process = start_process("--processes", "2", METRICS_PORT=str(port))
    parent = psutil.Process(process.pid)
    publish(broker_url, *(a_delivery(b'{"number":%d}' % number) for number in range(20)))
    wait_until(lambda: in_ledger(queue_database) == 20)

    def counted() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{port + 1}/metrics", timeout=10) as answer:
            return b"\nrollcall_settled_total 20.0" in answer.read()

    wait_until(counted)
    children = parent.children()
    assert len(children) == 2
    children[0].kill()
    wait_until(lambda: len(set(parent.children()) - set(children)) == 1)
    children = parent.children()
    process.kill()
    process.wait()
    psutil.wait_procs(children, timeout=30)
    assert not any(child.is_running() for child in children)


def test_a_wrong_setting_ends_the_start_with_one_line(start_process: StartProcess, tmp_path: Path) -> None:
    process = start_process(BROKER_URL="http://127.0.0.1")
    assert process.wait(30) == 2
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("BROKER_URL takes ")


@pytest.mark.parametrize("fault", ["cut", "half_close", "refuse"])
def test_a_worker_that_loses_its_queue_for_a_moment_goes_on_and_acknowledges_nothing_wrong(
    fault: str, broker_url: str, proxied_url: str, proxy: TcpProxy, queue_database: str
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold_the_first(connection: psycopg.Connection[Any], deliveries: Sequence[Delivery], scope: Scope) -> Settlement:
        if deliveries[0].id == first.id and not begun.is_set():
            begun.set()
            go_on.wait(30)
        return note(connection, deliveries, scope)

    first, *others = group = [a_delivery() for _ in range(8)]
    settings = WorkerSettings(queue_database, proxied_url, Scope(), host="127.0.0.1", metrics_port=0)
    worker = create_worker(settings, hold_the_first, threads=2)
    worker.start()
    publish(broker_url, first)
    assert begun.wait(30)
    getattr(proxy, fault)()
    publish(broker_url, *others)
    proxy.admit()
    # It takes from the queue again, while it still has in hand what it took before.
    wait_until(lambda: waiting(broker_url) < len(others))
    assert not kept_ids(queue_database)
    go_on.set()
    wait_until(lambda: kept_ids(queue_database) == {delivery.id for delivery in group})
    wait_until(lambda: in_queue(broker_url) == 0)
    assert worker.is_whole()
    assert worker.stop()
    assert in_queue(broker_url) == 0


def test_a_database_that_is_away_for_a_while_costs_only_time(broker_url: str, queue_database: str) -> None:
    with proxy_of(queue_database) as proxy:
        settings = WorkerSettings(through(proxy, queue_database), broker_url, Scope(), host="", metrics_port=0)
        worker = create_worker(settings, note, threads=2)
        worker.start()
        publish(broker_url, a_delivery())
        wait_until(lambda: len(kept_ids(queue_database)) == 1)
        proxy.refuse()
        publish(broker_url, *(a_delivery() for _ in range(10)))
        proxy.admit()
        wait_until(lambda: len(kept_ids(queue_database)) == 11)
        assert worker.stop()
    assert in_queue(broker_url) == 0


def test_a_database_that_freezes_is_given_up_and_found_again(
    broker_url: str, queue_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.running.transactions._FIRST_DEADLINE", 1.0)
    with proxy_of(queue_database) as frozen, proxy_of(queue_database) as other:
        settings = WorkerSettings(through(frozen, queue_database), broker_url, Scope(), host="", metrics_port=0)
        worker = create_worker(settings, note, threads=1)
        worker.start()
        publish(broker_url, a_delivery())
        wait_until(lambda: len(kept_ids(queue_database)) == 1)
        frozen.freeze()
        publish(broker_url, a_delivery())
        worker._database._url = through(other, queue_database)  # noqa: SLF001 - as after a failover behind one name
        wait_until(lambda: len(kept_ids(queue_database)) == 2)
        assert worker.stop()


def test_a_claim_whose_answer_was_lost_goes_back_though_its_worker_lives(queue_database: str) -> None:
    settings = WorkerSettings(queue_database, queue_database, Scope(), host="", metrics_port=0)
    worker = create_worker(settings, note, threads=2)
    worker.start()
    with psycopg.connect(queue_database, autocommit=True) as connection:
        wait_until(lambda: connection.execute("SELECT 1 FROM rollcall_queue.worker").fetchone())
        broker = open_broker(queue_database)
        with connection.transaction():
            # The message is never seen as queued: from the start it is claimed in the worker's name.
            connection.execute("LOCK TABLE rollcall_queue.queue IN ACCESS EXCLUSIVE MODE")
            connection.execute(
                "INSERT INTO rollcall_queue.queue (message_id, queue_name, state, message, worker_id) "
                "SELECT %s, 'rollcall', 'consumed', %s::jsonb, worker_id FROM rollcall_queue.worker",
                ((message := group_message([a_delivery()])).message_id, message.encode().decode()),
            )
        broker.close()
        wait_until(lambda: len(kept_ids(queue_database)) == 1)
    assert worker.stop()
