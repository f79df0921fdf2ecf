"""`rollcall` as a person calls it: a separate process in a separate folder."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from console.main import main

ROLLCALL = Path(sys.executable).parent / "rollcall"
_SECONDS = 60

Rollcall = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that `rollcall` is called in: no `.env`, nothing under `var`."""
    return tmp_path


@pytest.fixture
def rollcall(folder: Path) -> Rollcall:
    """Call `rollcall` with arguments and, by name, the variables that are set; return what it printed and its code."""

    def call(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LC_ALL"}}
        return subprocess.run(
            [ROLLCALL, *arguments],
            cwd=folder,
            env={**kept, **variables},
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_SECONDS,
            check=False,
        )

    return call


@pytest.fixture
def rollcall_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Rollcall:
    """Call `rollcall` as `rollcall` does, but in this process: without the second that a new one takes to start."""

    def call(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        stdout, stderr, status = io.StringIO(), io.StringIO(), 0
        with monkeypatch.context() as patch, redirect_stdout(stdout), redirect_stderr(stderr):
            for name in os.environ.keys() - {"PATH", "HOME", "LANG", "LC_ALL"}:
                patch.delenv(name)
            for name, value in variables.items():
                patch.setenv(name, value)
            patch.chdir(folder)
            patch.setattr(sys, "argv", ["rollcall", *arguments])
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            try:
                main()
            except SystemExit as ended:
                status = int(ended.code or 0)
        return subprocess.CompletedProcess(["rollcall", *arguments], status, stdout.getvalue(), stderr.getvalue())

    return call
