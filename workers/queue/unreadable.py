"""What makes a message unreadable to this version, in words that the log, the figures and the operator share."""

from enum import StrEnum

from workers.errors import WorkersError


class Unreadable(StrEnum):
    """Why a message can't be read."""

    NO_MESSAGE = "no_message"
    """It is not the JSON of a Dramatiq message."""
    OTHER_QUEUE = "other_queue"
    """It is addressed to another queue."""
    UNKNOWN_ACTOR = "unknown_actor"
    """This version has no such actor: a newer one may."""
    OTHER_ARGUMENTS = "other_arguments"
    """The actor is known and takes other arguments, or no such options."""
    NO_GROUP = "no_group"
    """Its text is no group of deliveries."""
    TOO_LARGE = "too_large"
    """It is larger than a receiver makes one, perhaps only once it is decompressed."""


class UnreadableError(WorkersError):
    """A message can't be read by this version. It is parked, and a version that can read it takes it from there."""

    def __init__(self, reason: Unreadable) -> None:
        super().__init__(
            f"A queue message can't be read by this version ({reason.value}). It is parked: start a worker of the "
            "version that wrote it, or look at it with `rollcall queue parked`."
        )
        self.reason = reason
