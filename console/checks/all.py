"""All checks at once: for `rollcall doctor` and for the page `/health`."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping

from console.checks.automations import check_automations
from console.checks.broker import check_broker
from console.checks.database import check_database
from console.checks.finding import Finding, bad
from console.checks.keys import check_keys
from console.checks.receiver import check_receiver
from console.checks.settings import check_settings
from console.checks.spool import check_spool
from console.checks.vendor import check_vendor

Check = Callable[[Mapping[str, str]], Iterable[Finding]]

_CHECKS: Mapping[str, Check] = {
    "settings": check_settings,
    "keys": check_keys,
    "database": check_database,
    "broker": check_broker,
    "spool": check_spool,
    "receiver": check_receiver,
    "automations": check_automations,
    "vendor's API": check_vendor,
}
# Seconds, for all checks: they run concurrently.
_PATIENCE = 5.0


def look(environment: Mapping[str, str]) -> tuple[list[Finding], bool]:
    """Run all checks at once.

    Args:
        environment: the settings.

    Returns:
        The findings, and whether a check still hangs.
    """
    deadline = time.monotonic() + _PATIENCE
    looks = [_Look(part, check, environment) for part, check in _CHECKS.items()]
    findings = [finding for one in looks for finding in one.findings(deadline)]
    return findings, any(one.hangs for one in looks)


class _Look:
    """One check in a separate thread: a check that hangs must not block the others or the exit."""

    def __init__(self, part: str, check: Check, environment: Mapping[str, str]) -> None:
        self._part = part
        self._check = check
        self._environment = environment
        self._found: list[Finding] = []
        self._thread = threading.Thread(target=self._look, name=part, daemon=True)
        self._thread.start()

    @property
    def hangs(self) -> bool:
        """Whether it is still running."""
        return self._thread.is_alive()

    def findings(self, deadline: float) -> list[Finding]:
        """Return the findings up to `deadline` (of `time.monotonic`)."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        found = list(self._found)
        if self.hangs:
            found.append(bad(self._part, f"does not answer within {_PATIENCE:g} s: check the network in between."))
        return found

    def _look(self) -> None:
        try:
            for finding in self._check(self._environment):
                self._found.append(finding)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other checks must be reported
            # Not its text: it may contain secrets.
            self._found.append(
                bad(self._part, f"check failed: {type(error).__name__}. This is a bug in doctor: please report it.")
            )
