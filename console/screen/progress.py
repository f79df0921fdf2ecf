"""A command's progress bar, on stderr if that is a terminal."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def progress_bar(*, hidden: bool = False) -> Progress:
    """Return a bar that disappears when done; shows nothing if stderr is not a terminal, or if `hidden`."""
    stderr = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
        disable=hidden or not stderr.is_terminal,
        # Redirected output goes to stderr: right for a terminal, but lost to a pipe.
        redirect_stdout=sys.stdout.isatty(),
    )
