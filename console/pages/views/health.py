"""`/health`: what `rollcall doctor` finds."""

import threading
import time
from collections.abc import Mapping

from console.checks.all import look
from console.checks.finding import Finding, Health
from console.pages.asking import Asking
from console.pages.listing import Column, Kind, Listing
from console.pages.site import Shown, with_files

# Seconds that findings are shown for: checks open connections.
_KEPT = 10.0
_COLUMNS = (
    Column("part", "Part"),
    Column("health", "Health", Kind.STATUS),
    Column("says", "What was found", Kind.LONG),
)


class HealthPage:
    """The page, which looks at most every ten seconds for all viewers together."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._found: tuple[float, list[Finding]] | None = None

    def page(self, asking: Asking) -> Shown:
        """Return the page."""
        findings = self._findings()
        rows = [{"part": one.part, "health": one.health.value, "says": one.says} for one in findings]
        listing = Listing("findings", "Each part, on the console's machine", _COLUMNS, rows, "Nothing was looked at.")
        bad = sum(one.health is Health.BAD for one in findings)
        doubtful = sum(one.health is Health.DOUBTFUL for one in findings)
        return Shown("health.html", "Health", {"bad": bad, "doubtful": doubtful}, (with_files(asking, listing),))

    def _findings(self) -> list[Finding]:
        with self._lock:
            if self._found is None or time.monotonic() - self._found[0] > _KEPT:
                findings, _ = look(self._environment)
                self._found = (time.monotonic(), findings)
            return self._found[1]
