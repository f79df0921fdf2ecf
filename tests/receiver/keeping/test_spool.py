"""The spool: on disk before it says so, one file a process, taken over from the dead, damaged files set aside."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from receiver.keeping.spool import Spool
from receiver.keeping.spool_figures import look_at_spool
from receiver.keeping.spool_file import SpoolError, SpoolFile
from tests.foreign_files import FOREIGN
from tests.workers.queue.deliveries import a_delivery
from workers.queue.message import MOST_GROUP_BYTES

# A receiver that spools one group after another, says so, and is killed in the middle of it.
SPOOLING = """
import pathlib, sys
from receiver.keeping.spool import Spool
from tests.foreign_files import FOREIGN
from tests.workers.queue.deliveries import a_delivery
spool = Spool(pathlib.Path(sys.argv[1]))
while True:
    delivery = a_delivery()
    spool.put([delivery])
    print(delivery.id, flush=True)
"""


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path)
    yield spool
    spool.close()


def test_groups_come_out_in_the_order_in_which_they_went_in(spool: Spool) -> None:
    groups = [[a_delivery(), a_delivery()], [a_delivery()], [a_delivery(b"\x00\xff")]]
    for group in groups:
        spool.put(group)
    assert [group.deliveries for group in spool.file().oldest(10**6, 500)] == groups


def test_a_batch_is_bounded_by_what_it_holds_once_opened_but_never_empty(spool: Spool) -> None:
    for _ in range(20):
        spool.put([a_delivery(b" " * 2**20)])  # a thousandth of that on disk
    found = spool.file().oldest(4 * 2**20, 500)
    assert len(found) == 3  # and their ids do not fit into what is left
    assert len(spool.file().oldest(1, 500)) == 1


def test_a_group_that_holds_too_much_stays_in_the_file_and_holds_up_no_other(spool: Spool) -> None:
    spool.put([a_delivery(b" " * (MOST_GROUP_BYTES + 1))])
    good = [a_delivery()]
    spool.put(good)
    assert [group.deliveries for group in spool.file().oldest(10**6, 500)] == [good]
    assert spool.file().count() == 2


def test_a_batch_is_bounded_by_its_deliveries_but_never_empty(spool: Spool) -> None:
    for _ in range(3):
        spool.put([a_delivery(), a_delivery()])
    assert [len(spool.file().oldest(10**6, most)) for most in (1, 3, 4, 6)] == [1, 1, 2, 3]


def test_what_a_killed_process_said_it_had_spooled_is_found_by_the_next(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", SPOOLING, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [process.stdout.readline().strip() for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    said += process.stdout.read().split()
    process.stdout.close()
    process.wait()
    successor = Spool(tmp_path)
    found = [str(group.deliveries[0].id) for group in successor.file().oldest(10**9, 500)]
    successor.close()
    assert set(found) >= {line for line in said if len(line) == 36}


def test_two_processes_never_share_a_file(tmp_path: Path) -> None:
    first, second = Spool(tmp_path), Spool(tmp_path)
    assert first.file().path != second.file().path
    with first.orphans() as files:
        assert files == []
    second.put([a_delivery()])
    path = second.file().path
    second.close()
    with first.orphans() as files:
        assert [file.path for file in files] == [path]
        files[0].delete([group.position for group in files[0].oldest(10**6, 500)])
    assert not path.exists()
    first.close()


def test_nobody_else_may_read_the_bodies(spool: Spool, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    other = Spool(folder)
    other.put([a_delivery()])
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    other.close()


def test_a_body_is_gone_from_the_disk_once_it_is_deleted(spool: Spool, tmp_path: Path) -> None:
    spool.put([a_delivery()])
    file = spool.file()
    [group] = file.oldest(10**6, 500)
    with sqlite3.connect(file.path) as connection:
        [(text,)] = connection.execute("SELECT deliveries FROM groups").fetchall()
    connection.close()
    file.delete([group.position])
    file.shrink()
    assert not any(text[:60].encode() in path.read_bytes() for path in tmp_path.iterdir())


def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    (tmp_path / "000.sqlite").write_bytes(b"this is no database, nor was it ever one" * 100)
    spool = Spool(tmp_path)
    with capture_logs() as logs:
        spool.put([a_delivery()])
    assert [(log["event"], log["log_level"]) for log in logs] == [("spool_damaged", "critical")]
    assert len(spool.file().oldest(10**6, 500)) == 1
    assert len(list(tmp_path.glob("*.damaged-*"))) == 1
    spool.close()


def test_of_a_file_that_is_damaged_in_use_what_can_be_read_goes_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put([a_delivery()])
    file = spool.file()
    spool.begin_anew(file)
    assert spool.file() is not file
    assert len(spool.file().oldest(10**6, 500)) == 1
    spool.begin_anew(file)
    assert len(spool.file().oldest(10**6, 500)) == 1
    spool.close()


def test_what_is_saved_of_a_damaged_file_counts_as_many_deliveries_as_before(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for size in (50, 7):
        spool.put([a_delivery() for _ in range(size)])
    before = look_at_spool(tmp_path)
    spool.begin_anew(spool.file())
    after = look_at_spool(tmp_path)
    assert (after.groups, after.deliveries, after.oldest_kept_at) == (2, 57, before.oldest_kept_at)
    spool.close()


def test_a_damaged_file_of_before_sizes_were_kept_is_saved_too(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put([a_delivery()])
    file = spool.file()
    with closing(sqlite3.connect(file.path)) as connection:
        connection.executescript("DROP INDEX groups_sizes; ALTER TABLE groups DROP COLUMN size;")
    spool.begin_anew(file)
    assert len(spool.file().oldest(10**6, 500)) == 1
    spool.close()


def test_a_group_of_a_newer_version_stays_and_is_passed_over(spool: Spool) -> None:
    spool.put([a_delivery()])
    file = spool.file()
    with sqlite3.connect(file.path) as connection:
        connection.execute(
            "INSERT INTO groups (kept_at, deliveries) VALUES ('2026-01-01T00:00:00+00:00', 'of tomorrow')"
        )
    connection.close()
    spool.put([a_delivery()])
    assert len(file.oldest(10**6, 500)) == 2
    assert file.count() == 3


@pytest.mark.parametrize("suffix", [".lock", ".sqlite", ".sqlite-wal", ".sqlite-shm", ".sqlite-journal"])
@pytest.mark.parametrize("put", FOREIGN)
def test_what_is_not_ours_in_the_folder_is_left_alone_and_reported(
    put: Callable[[Path, Path], None], suffix: str, tmp_path: Path
) -> None:
    folder, target = tmp_path / "spool", tmp_path / "target"
    folder.mkdir(0o700)
    with closing(SpoolFile(tmp_path / "theirs.sqlite")) as theirs:
        theirs.put([a_delivery()])
    (tmp_path / "theirs.sqlite").rename(target)
    before = target.read_bytes()
    foreign = folder / f"000{suffix}"
    put(foreign, target)
    found = foreign.lstat()
    spool, other = Spool(folder), Spool(folder)
    with capture_logs() as logs:
        spool.put([a_delivery()])
        with other.orphans() as files:
            assert files == []
    assert [(log["event"], log["log_level"]) for log in logs] == [("spool_foreign_file", "error")]
    assert foreign.name in logs[0]["detail"]
    assert spool.file().path.name == "001.sqlite"
    figures = look_at_spool(folder)
    assert (figures.groups, figures.deliveries, figures.foreign_files) == (1, 1, 1)
    spool.close()
    left = foreign.lstat()
    assert (left.st_ino, left.st_mtime_ns, left.st_size) == (found.st_ino, found.st_mtime_ns, found.st_size)
    assert target.read_bytes() == before


def test_a_full_spool_takes_no_more_and_says_so(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path / "000.sqlite", most_bytes=40 * 4096)
    with pytest.raises(SpoolError, match="full"):
        fill(file)
    kept = file.oldest(10**9, 500)
    assert kept
    file.delete([group.position for group in kept])
    file.put([a_delivery()])
    file.close()


def fill(file: SpoolFile) -> None:
    for _ in range(1000):
        file.put([a_delivery()])
