"""What `rollcall doctor` finds."""

from tests.console.conftest import Rollcall


def findings(rollcall: Rollcall, **settings: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the exit code, and each part's health and message."""
    done = rollcall("doctor", **settings)
    assert done.stderr == ""
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    parts = {}
    for health, rest in lines:
        part, says = rest.split("  ", maxsplit=1)
        parts[part] = (health, says.strip())
    return done.returncode, parts
