"""Settings as text: the process's environment, then the file `.env`, read once at startup.

An error names the variable and what it accepts, but never shows the value, which may be a secret.
"""

import os
from pathlib import Path

from runtime.env_file import read_env_file
from runtime.setting_error import EnvFileError as EnvFileError  # noqa: PLC0414 - re-exported
from runtime.setting_error import SettingError as SettingError  # noqa: PLC0414 - re-exported


def read_environment(directory: Path | None = None) -> dict[str, str]:
    """Return the variables of `directory/.env` (default: the current folder), overridden by the process's environment.

    An empty variable counts as not set.

    Raises:
        EnvFileError: `.env` exists and can't be read completely.
    """
    merged = {**read_env_file((directory or Path.cwd()) / ".env"), **os.environ}
    return {name: value for name, value in merged.items() if value}
