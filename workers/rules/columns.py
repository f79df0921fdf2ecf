"""The columns of a table, and the one declaration of how each is merged.

A row holds what one delivery states. Rows with the same key are merged column by column: within a batch in memory, by
the function that `workers.rules.merging` generates, and then with the existing row, by the SQL that
`workers.tables.upserts` generates. So the order and the batches of deliveries don't matter.
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
        row: what one delivery, or one observation, states of a row.
        rules: how each stated column is merged, in the order of the row's fields.
        derived: how the other columns follow from the merged ones.
        names: the merged columns: the row's fields, then the columns with the id of the delivery received last.
        merge_into: merges one delivery's row into the others; see `workers.rules.merging.MergeInto`.
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
    """Return merged rows as columns, with the rows ordered by key."""
    return list(zip(*[row for _, row in sorted(merged.items())], strict=True))
