"""Writes the function that merges what the deliveries of a batch state of one table, from the rules of its columns.

As `dataclasses` writes `__init__`: it runs for every event and table, and a loop over the columns takes twice as long.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from workers.rules.rule import Earliest, Key, Latest, ReceivedLast, Rule

MergeInto = Callable[[dict[Any, list[Any]], Any, UUID, msgspec.Struct], None]
"""Merges what one delivery states of a row into what others state of it.

Takes the rows so far by their keys, each the values of its columns; the key; the id of the delivery, which is higher
than those of the others; and the row that it states.
"""


def merging(rules: Mapping[str, Rule], names: Sequence[str]) -> MergeInto:
    """Return the function for a table.

    Args:
        rules: how the columns are merged, in the order of the fields of the rows that deliveries state.
        names: all columns, in the order of the values of a merged row.
    """
    scope: dict[str, MergeInto] = {}
    exec(merging_source(rules, names), scope)  # noqa: S102 - names of columns are all that it is made of
    return scope["merge_into"]


def merging_source(rules: Mapping[str, Rule], names: Sequence[str]) -> str:
    """Return the text of the function that `merging` returns."""
    values = [f"row.{name}" for name in rules]
    values += [f"None if row.{name} is None else by" for name, rule in rules.items() if isinstance(rule, ReceivedLast)]
    lines = [
        "def merge_into(merged, key, by, row):",
        "    known = merged.get(key)",
        "    if known is None:",
        f"        merged[key] = [{', '.join(values)}]",
        "        return",
    ]
    for place, (name, rule) in enumerate(rules.items()):
        match rule:
            case Key():
                continue
            case ReceivedLast(by):
                condition, also = "", f"; known[{names.index(by)}] = by"
            case Earliest():
                condition, also = f" and (known[{place}] is None or value < known[{place}])", ""
            case Latest():
                condition, also = f" and (known[{place}] is None or value > known[{place}])", ""
        lines += [
            f"    value = row.{name}",
            f"    if value is not None{condition}:",
            f"        known[{place}] = value{also}",
        ]
    return "\n".join(lines)
