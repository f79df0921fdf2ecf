"""A folder that others can put files into stops every process at its start, and doctor says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.conftest import ROLLCALL, Rollcall

STARTS = {
    "receiver": [sys.executable, "-m", "receiver"],
    "two receivers": [sys.executable, "-m", "receiver", "--processes", "2"],
    "worker": [sys.executable, "-m", "workers"],
    "run": [str(ROLLCALL), "run"],
}
OF_ALL = [(start, "VAR_DIR") for start in STARTS]
OF_RECEIVERS = [(start, "SPOOL_DIR") for start in STARTS if start != "worker"]


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.mark.parametrize(("start", "variable"), OF_ALL + OF_RECEIVERS)
def test_it_is_refused_in_one_line_that_names_the_variable(
    start: str, variable: str, open_folder: Path, tmp_path: Path
) -> None:
    refused = subprocess.run(
        STARTS[start],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "DATABASE_URL": "postgresql://127.0.0.1:9/away",
            variable: str(open_folder),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 2, refused.stderr
    assert refused.stdout == ""
    [line] = refused.stderr.splitlines()
    assert variable in line
    assert "can be written to by others" in line
    assert list(open_folder.iterdir()) == []


@pytest.mark.parametrize(("variable", "part"), [("VAR_DIR", "settings"), ("SPOOL_DIR", "spool")])
def test_doctor_tells_it(variable: str, part: str, open_folder: Path, rollcall: Rollcall) -> None:
    examined = rollcall("doctor", DATABASE_URL="postgresql://127.0.0.1:9/away", **{variable: str(open_folder)})
    assert examined.returncode == 1
    [line] = [line for line in examined.stdout.splitlines() if line.split()[:2] == ["failed", part]]
    assert variable in line
    assert "can be written to by others" in line


def test_doctor_warns_of_files_in_the_spool_that_nobody_opens(rollcall: Rollcall, tmp_path: Path) -> None:
    spool = tmp_path / "var" / "spool"
    spool.mkdir(0o700, parents=True)
    (spool / "000.sqlite").symlink_to(tmp_path / "elsewhere")
    examined = rollcall("doctor", DATABASE_URL="postgresql://127.0.0.1:9/away")
    [line] = [line for line in examined.stdout.splitlines() if line.split()[:2] == ["warning", "spool"]]
    assert "which are ignored (1)" in line
