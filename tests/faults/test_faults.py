"""What was answered with 200 is never lost, and nothing counts twice: parts die, freeze and are cut off under load."""

import os
import signal
from collections.abc import Callable

import pytest

from benchmarks.chaos.stage import Stage, receiver_is_ready
from benchmarks.chaos.verdict import in_queue, in_spool
from benchmarks.chaos.waiting import wait_until
from tests.faults.conftest import WAIT_SECONDS, UnderLoad


def until(holds: Callable[[], bool], what: str) -> None:
    wait_until(holds, what, WAIT_SECONDS)


def test_a_receiver_is_killed_and_comes_back(stage: Stage, under_load: UnderLoad) -> None:
    with under_load() as load:
        stage.receivers[0].kill()
        load.goes_on()
        stage.receivers[0].start()
        until(stage.is_ready, "the receiver is back")


def test_a_worker_is_killed_and_the_other_does_its_work(stage: Stage, under_load: UnderLoad) -> None:
    with under_load():
        stage.workers[0].kill()


def test_a_worker_freezes_and_the_other_does_its_work(stage: Stage, under_load: UnderLoad) -> None:
    with under_load():
        stage.workers[0].freeze()


def test_postgres_is_killed_and_comes_back(stage: Stage, under_load: UnderLoad) -> None:
    with under_load() as load:
        os.kill(stage.postgres.pid, signal.SIGKILL)
        load.goes_on()
        stage.postgres.stop()
        stage.postgres.start()


@pytest.mark.parametrize("fault", ["freeze", "refuse", "half_close"])
def test_the_queue_is_cut_off_and_nobody_is_refused(fault: str, stage: Stage, under_load: UnderLoad) -> None:
    with under_load() as load:
        for proxy in (*stage.to_queue, *stage.from_queue):
            getattr(proxy, fault)()
        load.goes_on(200)
        if fault != "half_close":
            assert in_spool(stage.spool)
        stage.repair()
    assert not load.account.refused
    assert not load.account.unanswered


def test_receivers_and_workers_restart_one_by_one_and_nobody_is_refused(stage: Stage, under_load: UnderLoad) -> None:
    with under_load() as load:
        for receiver, worker, port in zip(stage.receivers, stage.workers, stage.ports, strict=True):
            assert receiver.stop() == 0
            assert worker.stop() == 0
            receiver.start()
            worker.start()
            until(lambda port=port: receiver_is_ready(port), "the receiver is back")  # type: ignore[misc]  # a default
            load.goes_on()
    # A connection that is refused while a receiver is away is tried again at the other.
    assert not load.account.refused


def test_receiver_worker_and_database_die_at_once(stage: Stage, under_load: UnderLoad) -> None:
    with under_load():
        os.kill(stage.postgres.pid, signal.SIGKILL)
        stage.receivers[0].kill()
        stage.workers[0].kill()
        stage.postgres.stop()
        stage.postgres.start()
        stage.repair()


def test_in_the_end_workers_stop_in_order_and_leave_nothing_behind(stage: Stage, under_load: UnderLoad) -> None:
    with under_load():
        pass
    assert [worker.stop() for worker in stage.workers] == [0, 0]
    assert not in_queue(stage)
