"""A standard proxy or certificate variable whose value can't be used."""

from collections.abc import Iterable

import structlog

_log = structlog.get_logger(__name__)


class UnusableVariableError(Exception):
    """A proxy or certificate variable can't be used. The message is one line, names it and never shows its value.

    Unlike an invalid setting of Rollcall it does not fail startup: it may be meant for other programs, and the file it
    names may appear later.
    """

    def __init__(self, variable: str, problem: str) -> None:
        """Create the error.

        Args:
            variable: its name as set, `https_proxy` or `HTTPS_PROXY`.
            problem: the rest of the sentence: what is wrong and what to do.
        """
        super().__init__(f"{variable} {problem}")
        self.variable = variable
        self.problem = problem


def warn_of(problems: Iterable[UnusableVariableError]) -> None:
    """Log each variable that can't be used; call it once per process, at startup."""
    for error in problems:
        _log.warning("variable_unusable", variable=error.variable, problem=error.problem)
