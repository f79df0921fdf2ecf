"""`rollcall console`: the password's hash, and a link that logs in once."""

import stat
from pathlib import Path

from console.pages.entrance.link import use_link
from console.pages.entrance.password import CONSOLE_PASSWORD_HASH
from tests.console.conftest import Rollcall


def test_a_password_becomes_a_line_for_the_settings(rollcall_here: Rollcall) -> None:
    done = rollcall_here("console", "password", stdin="correct horse battery\n")
    assert done.returncode == 0
    name, _, text = done.stdout.strip().partition("=")
    found = CONSOLE_PASSWORD_HASH.of({name: text})
    assert found is not None
    assert found.fits("correct horse battery")
    assert not found.fits("correct horse batterz")
    assert "horse" not in done.stdout


def test_a_short_password_is_refused(rollcall_here: Rollcall) -> None:
    done = rollcall_here("console", "password", stdin="short\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert "12 to 1024 characters" in done.stderr


def test_a_link_works_once_and_replaces_the_one_before(rollcall_here: Rollcall, folder: Path) -> None:
    links = [rollcall_here("console", "link", CONSOLE_PORT="9999").stdout.strip() for _ in range(2)]
    assert all(link.startswith("http://127.0.0.1:9999/login?link=") for link in links)
    file = folder / "var" / "console-link"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    old, new = (link.partition("link=")[2] for link in links)
    assert new not in file.read_text()
    assert not use_link(file, old)
    assert use_link(file, new)
    assert not use_link(file, new)


def test_with_a_database_of_ones_own_there_is_no_link(rollcall_here: Rollcall) -> None:
    done = rollcall_here("console", "link", DATABASE_URL="postgresql://127.0.0.1/x")
    assert done.returncode == 1
    assert "there is no such link" in done.stderr
