"""`rollcall` as a person calls it: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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

    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LC_ALL"}}
        return subprocess.run(
            [ROLLCALL, *arguments],
            cwd=folder,
            env={**kept, **variables},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_SECONDS,
            check=False,
        )

    return call
