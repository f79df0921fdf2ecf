"""`rollcall doctor`: checks every part."""

import logging
import os
import sys
from contextlib import suppress

import structlog
import typer

from console.checks.all import look
from console.checks.database import revisions
from console.checks.finding import Health
from console.screen.tables import Screen
from runtime.environment import read_environment

_STYLES = {Health.GOOD: "green", Health.DOUBTFUL: "yellow", Health.BAD: "bold red"}


def doctor() -> None:
    """Check every part of Rollcall, one line each.

    Checks the settings, keys, database and its revision, broker, spool, receiver, automations and the credentials of
    the vendor's API, and changes nothing. The exit code is 1 if a check failed; a warning does not count as failed.
    """
    # Everything of interest is in the findings.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable()
    environment = read_environment()
    with suppress(Exception):  # the check says so
        # What this machine takes to load code is not for the checks to hurry with.
        revisions()
    findings, hangs = look(environment)
    screen = Screen()
    width = max(len(finding.part) for finding in findings)
    for finding in findings:
        screen.labelled(finding.health, _STYLES[finding.health], f"{finding.part:<{width}}  {finding.says}")
    exit_code = int(any(finding.health is Health.BAD for finding in findings))
    if hangs:
        # An unresponsive name server would delay the exit, too.
        sys.stdout.flush()
        os._exit(exit_code)
    raise typer.Exit(exit_code)
