"""The console in a real browser; without one the tests are skipped, or under CI=true fail."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.console.pages.running import RunningConsole, running_console

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_MISSING = "No browser: `make env` brings playwright where it has wheels, `apt-get install chromium` the program."


@pytest.fixture
def browser() -> "Iterator[Browser]":
    """A browser without a window, for one test: meanwhile playwright runs a loop that other tests would run into."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - some platforms lack it
    except ImportError:
        program = None
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(_MISSING)
        pytest.skip(_MISSING)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def console(database_url: str, tmp_path: Path) -> Iterator[RunningConsole]:
    """A console, reached with the password or through a proxy on this machine."""
    with running_console(database_url, tmp_path) as running:
        yield running
