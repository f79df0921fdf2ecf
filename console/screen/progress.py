"""How far a command has come, on stderr, where a person looks at it."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def progress_bar(*, hidden: bool = False) -> Progress:
    """Return a bar that is gone when it is done; it shows nothing where stderr is no terminal, or when `hidden`."""
    stderr = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
        disable=hidden or not stderr.is_terminal,
        # What is redirected comes out at the console, stderr: right on a terminal, lost to a pipe.
        redirect_stdout=sys.stdout.isatty(),
    )
