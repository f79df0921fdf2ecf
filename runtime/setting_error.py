"""Errors for invalid settings: one line for the operator, without the value."""


class SettingError(Exception):
    """A variable has an invalid value. The message is one line for the operator."""

    def __init__(self, name: str, takes: str) -> None:
        super().__init__(f"{name} takes {takes}; the current value is invalid. Correct it and restart.")
        self.name = name


class EnvFileError(SettingError):
    """`.env`, or one of its lines, can't be read. The message names file and line, never their content."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)
        self.name = ".env"
