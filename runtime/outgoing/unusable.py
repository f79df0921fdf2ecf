"""A variable of the environment that the system's tools share, with a value that can't be used."""

from collections.abc import Iterable

import structlog

_log = structlog.get_logger(__name__)


class UnusableVariableError(Exception):
    """A proxy or certificate variable can't be used. The message is one line, names it and never shows its value.

    Unlike a wrong setting of Rollcall it does not end the start: it may be meant for other programs, and the file it
    names may still come.
    """

    def __init__(self, variable: str, problem: str) -> None:
        """Make the error.

        Args:
            variable: its name as it is set, `https_proxy` or `HTTPS_PROXY`.
            problem: the rest of the sentence: what is wrong and what to do.
        """
        super().__init__(f"{variable} {problem}")
        self.variable = variable
        self.problem = problem


def warn_of(problems: Iterable[UnusableVariableError]) -> None:
    """Log each variable that can't be used; to be called once a process, at its start."""
    for error in problems:
        _log.warning("variable_unusable", variable=error.variable, problem=error.problem)
