"""The error of a failed command."""


class CommandFailedError(Exception):
    """A command failed. The message is one line: what happened, to what, and what to do now.

    Attributes:
        exit_code: the command's exit code.
    """

    exit_code = 1
