"""How a column's values are merged, in whatever order deliveries arrive. Each column has one of these rules."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """Identifies the row, alone or with other columns."""


@dataclass(frozen=True, slots=True)
class Earliest:
    """The earliest of the times stated."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest of the times stated."""


@dataclass(frozen=True, slots=True)
class ReceivedLast:
    """The value from the last received delivery that states one.

    Attributes:
        by: the column that holds that delivery's id; ids sort by time of receipt.
    """

    by: str


@dataclass(frozen=True, slots=True)
class Observed:
    """The value of the last observation of the row's subject; it counts whole, so it may be null.

    Attributes:
        by: the column before it, one of `Latest`, that holds that observation's id. Never null.
    """

    by: str


Rule = Key | Earliest | Latest | ReceivedLast | Observed
