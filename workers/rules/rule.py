"""How the values of a column are merged, whichever way deliveries come: each column has one of these rules."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """It names the row, alone or with others."""


@dataclass(frozen=True, slots=True)
class Earliest:
    """The earliest of the times stated."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest of the times stated."""


@dataclass(frozen=True, slots=True)
class ReceivedLast:
    """What the delivery that was received last says, of those that state it.

    Attributes:
        by: the column that holds that delivery's id: ids sort as times of receipt do.
    """

    by: str


Rule = Key | Earliest | Latest | ReceivedLast
