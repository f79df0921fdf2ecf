import os
import pwd
import signal
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from console.embedded import place as postgres_place
from console.embedded.account import accounts_held
from console.embedded.server import EmbeddedPostgres
from console.failure import CommandFailedError
from console.running.exclusive import HeldElsewhereError
from console.running.orphans import lives
from tests.console.waiting import wait_until

# Makes an account once a line comes in, so that several do at once.
ACCOUNT_MAKER = """
import sys
from console.embedded.account import find_or_make
print(flush=True)
sys.stdin.readline()
print(find_or_make(sys.argv[1]).user)
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

NOBODY = pwd.getpwnam("nobody").pw_uid

# Starts a server, says so, and waits to be killed.
HOLDER = """
import sys, time
from pathlib import Path
from console.embedded.server import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), {"fsync": "off"})
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@contextmanager
def started(directory: Path) -> Iterator[EmbeddedPostgres]:
    # No test cuts the power: without waiting for the disk each is done in half the time.
    server = EmbeddedPostgres(directory, {"fsync": "off"})
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def started_by_another_process(directory: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)], stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as holder:
        try:
            assert holder.stdout is not None
            yield holder, int(holder.stdout.readline())
        finally:
            holder.kill()


def keep_a_row(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept (what text)")
        connection.execute("INSERT INTO kept VALUES ('this')")


def kept_rows(server: EmbeddedPostgres) -> list[tuple[str]]:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("SELECT what FROM kept").fetchall()


def psql(server: EmbeddedPostgres, user: int, *connection: str) -> subprocess.CompletedProcess[str]:
    """Try to connect as a user of this machine, with the server's own client."""
    assert server.place is not None
    return subprocess.run(
        [server.place.programs / "psql", *connection, "-w", "-U", "rollcall", "-Atc", "SELECT 'in'", "rollcall"],
        user=user,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )


def modes_above(folder: Path) -> dict[Path, int]:
    return {parent: stat.S_IMODE(parent.stat().st_mode) for parent in (folder, *folder.parents)}


def test_what_was_committed_is_there_after_a_stop_and_a_start(reachable_folder: Path) -> None:
    with started(reachable_folder / "postgres") as server:
        keep_a_row(server)

    with started(reachable_folder / "postgres") as server:
        assert kept_rows(server) == [("this",)]


def test_it_is_set_to_lose_nothing_that_it_confirmed(reachable_folder: Path) -> None:
    server = EmbeddedPostgres(reachable_folder / "postgres")
    server.start()
    try:
        with psycopg.connect(server.url()) as connection:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                assert connection.execute(f"SHOW {name}".encode()).fetchone() == ("on",)
    finally:
        server.stop()


def test_it_listens_on_nothing_but_a_socket_in_a_folder_closed_to_others(reachable_folder: Path) -> None:
    with started(reachable_folder / "postgres") as server:
        assert server.place is not None
        assert stat.S_IMODE(server.place.data.stat().st_mode) == 0o700
        listening = [entry for entry in psutil.Process(server.pid).net_connections("inet") if entry.status == "LISTEN"]
        assert listening == []


@as_root
def test_another_user_of_the_machine_can_not_connect(reachable_folder: Path) -> None:
    with started(reachable_folder / "postgres") as server:
        assert server.place is not None
        socket_folder = str(server.place.data)

        assert psql(server, os.geteuid(), "-h", socket_folder).stdout == "in\n"
        refused = psql(server, NOBODY, "-h", socket_folder)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Permission denied" in refused.stderr


def test_a_path_too_long_for_a_socket_is_served_over_loopback_with_a_password(reachable_folder: Path) -> None:
    with started(reachable_folder / ("deep" * 25) / "postgres") as server:
        assert "@127.0.0.1:" in server.url()
        keep_a_row(server)
        assert kept_rows(server) == [("this",)]

        assert server.place is not None
        assert stat.S_IMODE(server.place.password.stat().st_mode) == 0o600
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url().replace(server.place.password.read_text(encoding="ascii"), "guessed"))


def test_no_folder_above_the_data_is_opened_or_closed(reachable_folder: Path) -> None:
    checkout = reachable_folder / "checkout"
    checkout.mkdir(mode=0o755)
    before = modes_above(checkout)

    with started(checkout / "var" / "postgres"):
        pass

    assert modes_above(checkout) == before


@as_root
def test_started_by_root_it_runs_as_an_account_of_its_own(reachable_folder: Path) -> None:
    with started(reachable_folder / "postgres") as server:
        assert psutil.Process(server.pid).username() == "rollcall"
        assert psutil.Process(server.pid).uids().real == psutil.Process(server.pid).uids().effective != 0


@as_root
def test_a_checkout_closed_to_the_account_has_its_data_under_the_system_folder(
    reachable_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_place, "SYSTEM_FOLDER", reachable_folder / "lib")
    closed = reachable_folder / "closed"
    closed.mkdir(mode=0o700)
    checkouts = [closed / "one", closed / "two"]
    folders = []
    for checkout in checkouts:
        checkout.mkdir()
        with started(checkout / "var" / "postgres") as server:
            assert server.place is not None
            assert server.place.outside
            folders.append(server.place.folder)

    assert folders[0] != folders[1]
    assert {folder.parent for folder in folders} == {reachable_folder / "lib"}
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert [list(checkout.iterdir()) for checkout in checkouts] == [[], []]
    # Opened later on, the checkout still has the data that it had.
    closed.chmod(0o755)
    with started(checkouts[0] / "var" / "postgres") as server:
        assert server.place is not None
        assert server.place.folder == folders[0]


@as_root
def test_programs_in_a_closed_folder_are_copied_once(reachable_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with started(reachable_folder / "before") as server:
        assert server.place is not None
        package = server.place.programs.parent.parent
    closed = reachable_folder / "closed"
    closed.mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        (closed / name).symlink_to(package.parent / name)
    monkeypatch.setattr(postgres_place, "SYSTEM_FOLDER", reachable_folder / "lib")
    monkeypatch.setattr(
        postgres_place, "_wheel_programs", lambda: closed / package.name / server.place.programs.parent.name / "bin"
    )

    copies = []
    for name in ("one", "two"):
        with started(reachable_folder / name) as server:
            assert server.place is not None
            copies.append(server.place.programs)
            keep_a_row(server)

    assert copies[0] == copies[1]
    assert copies[0].is_relative_to(reachable_folder / "lib")
    assert len(list((reachable_folder / "lib").iterdir())) == 1


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


def test_data_of_another_major_version_is_refused_with_the_way_on(reachable_folder: Path) -> None:
    with started(reachable_folder / "postgres") as server:
        assert server.place is not None
        version = server.place.data / "PG_VERSION"
    version.write_text("16\n", encoding="ascii")

    with pytest.raises(CommandFailedError, match=r"Postgres 16.*has 18.*pg_dump"):
        EmbeddedPostgres(reachable_folder / "postgres").start()


def test_a_server_that_can_not_start_says_why(reachable_folder: Path) -> None:
    server = EmbeddedPostgres(reachable_folder / "postgres", {"shared_buffers": "nonsense"})

    with pytest.raises(CommandFailedError, match="shared_buffers"):
        server.start()
    # And the folder is free again.
    with started(reachable_folder / "postgres"):
        pass


@as_root
def test_processes_that_all_need_the_account_first_make_one() -> None:
    name = f"rollcall-{uuid.uuid4().hex[:8]}"
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", ACCOUNT_MAKER, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    try:
        for maker in makers:
            assert maker.stdout is not None
            maker.stdout.readline()
        for maker in makers:
            assert maker.stdin is not None
            maker.stdin.write("\n")
            maker.stdin.flush()
        users = {int(maker.communicate()[0]) for maker in makers}
        assert users == {pwd.getpwnam(name).pw_uid}
    finally:
        with accounts_held():
            subprocess.run(["userdel", name], check=True, capture_output=True)
