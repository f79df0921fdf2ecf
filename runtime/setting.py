"""A setting: an environment variable, the values it takes, and its default."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from runtime.setting_error import SettingError

Value = TypeVar("Value")


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
