"""Who has the data: one server at a time, and the next one after a kill."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from console.embedded.server import EmbeddedPostgres
from console.running.exclusive import HeldElsewhereError
from console.running.orphans import lives
from tests.console.embedded.serving import keep_a_row, kept_rows, started, started_by_another_process
from tests.console.waiting import wait_until


def test_a_second_start_on_the_same_data_names_who_has_it(reachable_folder: Path) -> None:
    directory = reachable_folder / "postgres"
    with started_by_another_process(directory) as (holder, _):
        second = EmbeddedPostgres(directory)
        with pytest.raises(HeldElsewhereError, match=f"process {holder.pid}"):
            second.start()


def test_after_a_kill_of_its_starter_the_next_start_takes_over(reachable_folder: Path) -> None:
    with started_by_another_process(reachable_folder / "postgres") as (holder, number):
        orphan = psutil.Process(number)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert lives(orphan)

        with started(reachable_folder / "postgres") as server:
            keep_a_row(server)
            assert server.pid != orphan.pid
            assert not lives(orphan)


def test_after_a_kill_of_starter_and_server_the_next_start_has_the_data(reachable_folder: Path) -> None:
    with started(reachable_folder / "postgres") as server:
        keep_a_row(server)
    with started_by_another_process(reachable_folder / "postgres") as (holder, number):
        orphan = psutil.Process(number)
        holder.send_signal(signal.SIGKILL)
        orphan.kill()
        holder.wait()
        wait_until(lambda: not lives(orphan), "the server's end")

    with started(reachable_folder / "postgres") as server:
        assert kept_rows(server) == [("this",)]


def test_a_process_id_that_belongs_to_another_program_by_now_is_no_hindrance(reachable_folder: Path) -> None:
    with started(reachable_folder / "postgres") as server:
        place = server.place
    assert place is not None
    with subprocess.Popen(["/bin/sleep", "600"], **place.account.process_options()) as other:
        for mark in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (place.data / mark).write_text(f"{other.pid}\n{place.data}\n1\n5432\n{place.data}\n", encoding="ascii")

        with started(reachable_folder / "postgres"):
            assert other.poll() is None
        other.kill()


def test_a_making_of_the_data_that_was_cut_off_is_begun_anew(reachable_folder: Path) -> None:
    half = reachable_folder / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n", encoding="ascii")
    if os.geteuid() == 0:
        (reachable_folder / "postgres").chmod(0o755)

    with started(reachable_folder / "postgres") as server:
        keep_a_row(server)
    assert not half.exists()
