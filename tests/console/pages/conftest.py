"""A console on a database of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.pages.running import RunningConsole, running_console


@pytest.fixture
def console(database_url: str, tmp_path: Path) -> Iterator[RunningConsole]:
    """A console, reached with the password or through a proxy on this machine."""
    with running_console(database_url, tmp_path) as running:
        yield running
