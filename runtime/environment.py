"""Settings as text: the process's environment over the file `.env`, read once at the start of a process.

A wrong value is told by the variable's name and what it takes, never by the value: it may be a secret.
"""

import os
from pathlib import Path

from runtime.env_file import read_env_file
from runtime.setting_error import EnvFileError as EnvFileError  # noqa: PLC0414 - part of what this module offers
from runtime.setting_error import SettingError as SettingError  # noqa: PLC0414 - as above


def read_environment(directory: Path | None = None) -> dict[str, str]:
    """Return the variables that are set: those of `directory/.env` (default: here), overridden by the process's.

    A variable that is set to nothing counts as not set.

    Raises:
        EnvFileError: there is a `.env`, and not all of it can be read.
    """
    merged = {**read_env_file((directory or Path.cwd()) / ".env"), **os.environ}
    return {name: value for name, value in merged.items() if value}
