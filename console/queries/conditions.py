"""WHERE clauses of the conditions that a reader has chosen; those that are not chosen are not in the statement.

Postgres then plans each choice for itself, with the index that it has.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, LiteralString

from console.queries.tables import Tables

# By bytes nothing comes after it, so what starts with a text lies between that and the text with this behind it.
LAST_CHARACTER = "\U0010ffff"
# How far filters without an index of their own look back, unless a range is given.
LOOK_BACK = timedelta(days=31)


@dataclass(slots=True)
class Conditions:
    """Conditions, all of which must hold."""

    tables: Tables
    _parts: list[LiteralString] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, condition: LiteralString, **values: Any) -> None:
        """Add a condition with its parameters."""
        self._parts.append(condition)
        self.values.update(values)

    def start_in(self, started: "Range") -> None:
        """Add that the session, `s`, started in a range."""
        if started.since is not None:
            self.add("s.started_at >= %(since)s", since=started.since)
        if started.until is not None:
            self.add("s.started_at < %(until)s", until=started.until)

    @property
    def where(self) -> LiteralString:
        """The conditions as SQL."""
        return " AND ".join(self._parts) if self._parts else "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A range of time, the end excluded; None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def looking_back(self, now: datetime) -> "Range":
        """Return the range, or if both ends are open the last 31 days."""
        return self if self.since or self.until else Range(since=now - LOOK_BACK)


def pattern_of(text: str) -> str:
    """Return a text for use in a LIKE pattern, where `_` and `%` are themselves."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
