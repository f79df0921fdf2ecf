"""A setting: an environment variable, the values it takes, and its default."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from runtime.setting_error import SettingError

Value = TypeVar("Value")

_LENGTH = re.compile(r"(?P<number>\d{1,12}(\.\d{1,6})?)(?P<unit>[smhd]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Setting(Generic[Value]):
    """The one reader of a variable, used by every process that needs it.

    Attributes:
        name: the variable's name.
        takes: the values it takes, as the error for an invalid value words it.
        default: the value if it is not set.
        read: parses the variable's text; raises a ValueError if the text is invalid.
    """

    name: str
    takes: str
    default: Value
    read: Callable[[str], Value]

    def of(self, environment: Mapping[str, str]) -> Value:
        """Return the variable's value in `environment`.

        Raises:
            SettingError: the value is invalid; the message names the variable and never shows the value.
        """
        text = environment.get(self.name)
        if text is None:
            return self.default
        try:
            return self.read(text.strip())
        except ValueError:
            raise SettingError(self.name, self.takes) from None


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError
        return number

    return read


def comma_separated(text: str) -> tuple[str, ...]:
    """Return the items of a comma-separated list, stripped and without empty ones; there must be at least one."""
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise ValueError
    return parts


def read_length_of_time(text: str) -> timedelta:
    """Return a length of time written as a number of seconds, or with a unit as in `90s`, `15m`, `24h`, `30d`.

    Raises:
        ValueError: the text is none.
    """
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise ValueError
    try:
        return timedelta(seconds=float(match["number"]) * _SECONDS[match["unit"]])
    except OverflowError:
        raise ValueError from None


def length_of_time(least: timedelta, most: timedelta) -> Callable[[str], timedelta]:
    """Return a reader of lengths of time from `least` to `most`."""

    def read(text: str) -> timedelta:
        length = read_length_of_time(text)
        if not least <= length <= most:
            raise ValueError
        return length

    return read
