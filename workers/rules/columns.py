"""The columns of a table: how each is merged, said once.

A row holds what one delivery states. Rows of one key are merged column by column: those of a batch in memory, by the
function that `workers.rules.merging` writes, and the batch's with the row that is there by the SQL that
`workers.tables.upserts` writes. So the order of deliveries and the batches that they come in change nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from workers.rules.merging import MergeInto, merging
from workers.rules.rule import ReceivedLast, Rule
from workers.rules.times import Derived


class Columns:
    """The columns of a table.

    Attributes:
        row: what one delivery states of a row of it.
        rules: how the columns that are stated are merged, in the order of the row's fields.
        derived: how the other columns follow from the merged ones.
        names: the merged columns: the row's fields, and behind them the columns that hold who was received last.
        merge_into: merges what a delivery states of a row; see `workers.rules.merging.MergeInto`.
    """

    def __init__(
        self, row: type[msgspec.Struct], rules: Mapping[str, Rule], derived: Mapping[str, Derived] | None = None
    ) -> None:
        if tuple(rules) != row.__struct_fields__:
            raise TypeError(f"{row.__name__} has the fields {row.__struct_fields__}, the rules are for {tuple(rules)}")
        self.row = row
        self.rules = rules
        self.derived = derived or {}
        self.names = (*rules, *(rule.by for rule in rules.values() if isinstance(rule, ReceivedLast)))
        self.merge_into: MergeInto = merging(rules, self.names)


def by_column(merged: Mapping[Any, Sequence[Any]]) -> list[Sequence[Any]]:
    """Return merged rows column by column, the rows in the order of their keys."""
    return list(zip(*[row for _, row in sorted(merged.items())], strict=True))
