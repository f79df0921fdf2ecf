"""What became of a delivery: the values of `deliveries.status`."""

from enum import StrEnum


class Status(StrEnum):
    """What became of a delivery."""

    PROCESSED = "processed"
    """Its event is in the tables."""
    REPEAT = "repeat"
    """Its body was kept before; the first delivery of it is in `repeat_of`."""
    UNKNOWN = "unknown"
    """Its event is of a kind that this version does not know; replay it once a version does."""
    FOREIGN = "foreign"
    """Its organization or webhook registration is not among those that are set; it changed nothing else."""
    QUARANTINED = "quarantined"
    """It can't be read or lacks what identifies it; the reason is in `error`."""
