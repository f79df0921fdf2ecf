"""What is wrong with a setting: one line for the person who set it, without the value."""


class SettingError(Exception):
    """A variable has a value that it does not take. The message is one line for the person who set it."""

    def __init__(self, name: str, takes: str) -> None:
        super().__init__(f"{name} takes {takes}; the value that is set is something else. Correct it and start again.")
        self.name = name


class EnvFileError(SettingError):
    """The file `.env` can't be read, or a line of it can't. The message names file and line, never what is in them."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)
        self.name = ".env"
