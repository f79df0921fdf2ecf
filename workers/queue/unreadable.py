"""Why a message is unreadable for this version, in the words used by log, metrics and console."""

from enum import StrEnum

from workers.errors import WorkersError


class Unreadable(StrEnum):
    """Why a message can't be read."""

    NO_MESSAGE = "no_message"
    """It is not a Dramatiq message in JSON."""
    OTHER_QUEUE = "other_queue"
    """It is addressed to another queue."""
    UNKNOWN_ACTOR = "unknown_actor"
    """This version has no such actor: a newer one may."""
    OTHER_ARGUMENTS = "other_arguments"
    """The actor exists but takes other arguments or options."""
    NO_GROUP = "no_group"
    """Its text is not a group of deliveries."""
    TOO_LARGE = "too_large"
    """It is larger than any that a receiver sends, possibly only after decompression."""


class UnreadableError(WorkersError):
    """This version can't read a message. It is parked until a version that can read it takes it."""

    def __init__(self, reason: Unreadable) -> None:
        super().__init__(
            f"A queue message can't be read by this version ({reason.value}). It is parked: start a worker of the "
            "version that wrote it, or inspect it with `rollcall queue parked`."
        )
        self.reason = reason
