import os
import pwd
import stat
import subprocess
import sys
import uuid
from pathlib import Path

import psutil
import psycopg
import pytest

from console.embedded import place as postgres_place
from console.embedded.account import accounts_held
from console.embedded.server import EmbeddedPostgres
from console.failure import CommandFailedError
from tests.console.embedded.serving import keep_a_row, kept_rows, started

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
