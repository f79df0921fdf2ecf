"""What a command tells when it can't do what it was asked for."""


class CommandFailedError(Exception):
    """A command failed. The message is one line: what happened, to what, and what to do now.

    Attributes:
        exit_code: what the command exits with.
    """

    exit_code = 1
