"""Reads a payload's fields leniently: descriptive fields may be invalid, identifying ones must be present."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeGuard

from workers.errors import WorkersError
from workers.reading.body import fits_text
from workers.reading.times import EARLIEST, fault_of, parse_time

# Bytes. Up to three ids share an index row, which Postgres limits to about 2,700; the vendor's have 36.
LONGEST_ID = 255
_MOST_BYTES = 2**63 - 1


class NotIdentifiedError(WorkersError):
    """A body lacks what identifies its event; the message names it."""


class Fields:
    """One object of a payload, its path in the body, and when the body was received.

    An unreadable field is None, and its path is added to `problems`, which all objects of one body share.
    """

    def __init__(self, members: Mapping[str, Any], path: str, problems: list[str], received_at: datetime) -> None:
        self._members = members
        self._path = path
        self._received_at = received_at
        self.problems = problems

    def section(self, name: str) -> "Fields":
        """Return the object `name`; an empty one if there is none."""
        members = self._members.get(name)
        if members is None:
            members = {}
        elif not isinstance(members, dict):
            self._problem(name, "an object")
            members = {}
        return Fields(members, f"{self._path}{name}.", self.problems, self._received_at)

    def object_of(self, members: Mapping[str, Any], path: str) -> "Fields":
        """Return an object that is an element of a list, by its members and its path."""
        return Fields(members, path, self.problems, self._received_at)

    def text(self, name: str) -> str | None:
        """Return the text `name` of any length; None if it is absent, null or unreadable."""
        value = self._members.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not fits_text(value):
            self._problem(name, "a text that Postgres can hold")
            return None
        return value

    def id(self, name: str) -> str | None:
        """Return the id `name`; None if it is absent, null, empty or unreadable."""
        value = self._members.get(name)
        if value is None or value == "":
            return None
        if not is_id(value):
            self._problem(name, f"an id of at most {LONGEST_ID} bytes")
            return None
        return value

    def time(self, name: str) -> datetime | None:
        """Return the time `name` at which something happened, in UTC; None if it is absent, null or impossible.

        The vendor writes `2026-03-02T09:52:31.030Z` and `2026-03-02 09:52:30.865627Z` in the same payload. Any ISO 8601
        offset is accepted; without one, UTC is assumed.
        """
        return self._time(name, expiry=False)

    def expiry(self, name: str) -> datetime | None:
        """Return the time `name` at which something expires, as `time` does."""
        return self._time(name, expiry=True)

    def whole_number(self, name: str) -> int | None:
        """Return the number `name`, written as a number or as text; None if it is absent or unreadable."""
        number = self.number(name)
        return None if number is None else int(number)

    def number(self, name: str) -> float | None:
        """Return the number `name`, written as a number or as text, from 0 to what a bigint holds; else None."""
        value = self._members.get(name)
        if value is None:
            return None
        try:
            number = _number(value)
        except (ValueError, TypeError, OverflowError):
            self._problem(name, "a number")
            return None
        return number

    def value(self, name: str) -> Any:
        """Return the raw value of `name`."""
        return self._members.get(name)

    def problem(self, name: str, takes: str) -> None:
        """Record that `name` can't be read as `takes`."""
        self._problem(name, takes)

    def path(self, name: str) -> str:
        """Return the path of `name` in the body, such as `meeting.sessionId`."""
        return f"{self._path}{name}"

    def _time(self, name: str, *, expiry: bool) -> datetime | None:
        value = self._members.get(name)
        if value is None:
            return None
        try:
            time = parse_time(value)
        except (ValueError, OverflowError):
            self._problem(name, "a time")
            return None
        if EARLIEST <= time <= self._received_at:  # as a rule
            return time
        fault = fault_of(time, self._received_at, expiry=expiry)
        if fault is None:
            return time
        self.problems.append(f"{self._path}{name} {fault}")
        return None

    def _problem(self, name: str, takes: str) -> None:
        self.problems.append(f"{self._path}{name} can't be read as {takes}")


def is_id(value: object) -> TypeGuard[str]:
    """Return whether a value can be an id, even an empty one."""
    if not isinstance(value, str):
        return False
    if value.isascii():
        return len(value) <= LONGEST_ID and "\0" not in value
    return fits_text(value) and len(value.encode()) <= LONGEST_ID


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = int(value) if isinstance(value, int) or str(value).strip().isdecimal() else float(value)
    if not 0 <= number <= _MOST_BYTES:
        raise ValueError
    return number
