"""A setting: one variable of the environment, what it takes, and what it is where it is not set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from runtime.setting_error import SettingError

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Setting(Generic[Value]):
    """The one reader of a variable; every process that needs it reads it by this.

    Attributes:
        name: of the variable.
        takes: what it takes, as the error for a wrong value says it.
        default: its value where it is not set.
        read: makes the value of the variable's text; raises a ValueError on text that it does not take.
    """

    name: str
    takes: str
    default: Value
    read: Callable[[str], Value]

    def of(self, environment: Mapping[str, str]) -> Value:
        """Return the variable's value in `environment`.

        Raises:
            SettingError: it does not take what it is set to; the message names the variable and never shows the value.
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
    """Return the parts of a comma-separated list, without blanks and empty ones; at least one must be left."""
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise ValueError
    return parts
