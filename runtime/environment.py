"""Settings as text: the process's environment over the file `.env`, read once at the start of a process.

A wrong value is told by the variable's name and what it takes, never by the value: it may be a secret.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from runtime.env_file import read_env_file
from runtime.setting_error import EnvFileError as EnvFileError  # noqa: PLC0414 - part of what this module offers
from runtime.setting_error import SettingError as SettingError  # noqa: PLC0414 - as above

Value = TypeVar("Value")


def read_environment(directory: Path | None = None) -> dict[str, str]:
    """Return the variables that are set: those of `directory/.env` (default: here), overridden by the process's.

    A variable that is set to nothing counts as not set.

    Raises:
        EnvFileError: there is a `.env`, and not all of it can be read.
    """
    merged = {**read_env_file((directory or Path.cwd()) / ".env"), **os.environ}
    return {name: value for name, value in merged.items() if value}


def setting(
    environment: Mapping[str, str], name: str, takes: str, read: Callable[[str], Value], default: Value
) -> Value:
    """Return the variable `name`, read by `read`, or `default` where it is not set.

    Raises:
        SettingError: `read` raised a ValueError; the error says `takes`.
    """
    text = environment.get(name)
    if text is None:
        return default
    try:
        return read(text.strip())
    except ValueError:
        raise SettingError(name, takes) from None


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
