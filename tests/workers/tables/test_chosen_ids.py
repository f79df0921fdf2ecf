"""The list of what a replay has chosen: looked up by session, kept in one folder, gone without a trace."""

import os
import sys
from pathlib import Path
from uuid import UUID

import pytest

from workers.tables.chosen_ids import Chosen

MANY = 100_000


def ids_of(session: int) -> list[UUID]:
    return [UUID(int=number) for number in range(session, MANY, 1000)]


def fill(chosen: Chosen) -> None:
    chosen.add((UUID(int=number), f"session-{number % 1000:03}" if number % 1000 else None) for number in range(MANY))


@pytest.mark.parametrize("kept", ["in memory", "in a folder"])
def test_ids_are_found_by_session_in_order(tmp_path: Path, kept: str) -> None:
    with Chosen(tmp_path if kept == "in a folder" else None) as chosen:
        fill(chosen)
        assert chosen.count() == MANY
        assert chosen.sessions("", 2) == ["session-001", "session-002"]
        assert chosen.sessions("session-998", 5) == ["session-999"]
        assert chosen.of_sessions(["session-007", "session-001"]) == ids_of(7) + ids_of(1)
        assert chosen.without_session(UUID(int=0), 2) == [UUID(int=1000), UUID(int=2000)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows a process's files")
def test_many_go_to_a_file_in_the_folder_that_has_no_name(tmp_path: Path) -> None:
    with Chosen(tmp_path) as chosen:
        fill(chosen)
        mine = Path("/proc/self/fd").iterdir()
        opened = [path for path in mine if os.path.realpath(path).startswith(str(tmp_path))]
        assert max(path.stat().st_size for path in opened) > 0
        assert list(tmp_path.iterdir()) == []
