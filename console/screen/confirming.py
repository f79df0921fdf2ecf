"""Asks before something is changed that can't be changed back."""

import sys

import typer

from console.failure import CommandFailedError
from console.screen.plain_text import plain


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal whether to go on; a script is not asked.

    Args:
        question: what will happen, as a question.
        yes: whether the answer was given with the command.

    Raises:
        CommandFailedError: the answer is no.
    """
    if yes or not sys.stdin.isatty():
        return
    if not typer.confirm(plain(question), err=True):
        raise CommandFailedError("Nothing was changed.")
