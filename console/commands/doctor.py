"""`rollcall doctor`: checks every part."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

import structlog
import typer

from console.checks.automations import check_automations
from console.checks.broker import check_broker
from console.checks.database import check_database, revisions
from console.checks.finding import Finding, Health, bad
from console.checks.keys import check_keys
from console.checks.receiver import check_receiver
from console.checks.settings import check_settings
from console.checks.spool import check_spool
from console.screen.tables import Screen
from runtime.environment import read_environment

Check = Callable[[Mapping[str, str]], Iterable[Finding]]

_CHECKS: Mapping[str, Check] = {
    "settings": check_settings,
    "keys": check_keys,
    "database": check_database,
    "broker": check_broker,
    "spool": check_spool,
    "receiver": check_receiver,
    "automations": check_automations,
}
# Seconds, for all checks: they run concurrently.
_PATIENCE = 5.0

_STYLES = {Health.GOOD: "green", Health.DOUBTFUL: "yellow", Health.BAD: "bold red"}


def doctor() -> None:
    """Check every part of Rollcall, one line each.

    Checks the settings, keys, database and its revision, broker, spool, receiver and automations, and changes nothing.
    The exit code is 1 if a check failed; a warning does not count as failed.
    """
    # Everything of interest is in the findings.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable()
    environment = read_environment()
    with suppress(Exception):  # the check says so
        # What this machine takes to load code is not for the checks to hurry with.
        revisions()
    deadline = time.monotonic() + _PATIENCE
    looks = [_Look(part, check, environment) for part, check in _CHECKS.items()]
    findings = [finding for look in looks for finding in look.findings(deadline)]
    screen = Screen()
    width = max(len(finding.part) for finding in findings)
    for finding in findings:
        screen.labelled(finding.health, _STYLES[finding.health], f"{finding.part:<{width}}  {finding.says}")
    exit_code = int(any(finding.health is Health.BAD for finding in findings))
    if any(look.hangs for look in looks):
        # An unresponsive name server would delay the exit, too.
        sys.stdout.flush()
        os._exit(exit_code)
    raise typer.Exit(exit_code)


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
