"""The status of a delivery: the values of `deliveries.status`."""

from enum import StrEnum


class Status(StrEnum):
    """The status of a delivery."""

    PROCESSED = "processed"
    """Its event is in the tables."""
    REPEAT = "repeat"
    """Its body was received before; `repeat_of` is the first delivery of it."""
    UNKNOWN = "unknown"
    """This version does not know its event; replay it after an upgrade."""
    FOREIGN = "foreign"
    """Its organization or webhook id is not in the settings; it changed nothing else."""
    QUARANTINED = "quarantined"
    """It can't be read or lacks what identifies it; the reason is in `error`."""
