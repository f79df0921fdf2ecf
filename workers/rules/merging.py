"""Generates the function that merges a batch's rows for one table, from the rules of its columns.

Generated like the `__init__` of a dataclass: it runs per event and table, and a loop over the columns is half as fast.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from workers.rules.rule import Earliest, Key, Latest, Observed, ReceivedLast, Rule

MergeInto = Callable[[dict[Any, list[Any]], Any, UUID, msgspec.Struct], None]
"""Merges the row that one delivery states with what others state.

Takes the rows so far, each a list of column values, by key; the key; the id of the delivery, which is higher than those
of the others; and its row.
"""


def merging(rules: Mapping[str, Rule], names: Sequence[str]) -> MergeInto:
    """Return the function for a table.

    Args:
        rules: how the columns are merged, in the order of the row's fields.
        names: all columns, in the order of the values of a merged row.
    """
    scope: dict[str, MergeInto] = {}
    exec(merging_source(rules, names), scope)  # noqa: S102 - names of columns are all that it is made of
    return scope["merge_into"]


def merging_source(rules: Mapping[str, Rule], names: Sequence[str]) -> str:
    """Return the source of the function that `merging` returns."""
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
            case Observed(by):
                lines += [f"    if row.{by} == known[{names.index(by)}]:", f"        known[{place}] = row.{name}"]
                continue
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
