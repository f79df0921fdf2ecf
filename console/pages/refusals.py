"""What a page answers when it can't be shown."""

from http import HTTPStatus


class PageError(Exception):
    """A page can't be shown. The message says what to do now.

    Attributes:
        status: the answer's status.
    """

    def __init__(self, status: HTTPStatus, says: str) -> None:
        super().__init__(says)
        self.status = status


class NotThereError(PageError):
    """There is nothing of this id."""

    def __init__(self, what: str) -> None:
        super().__init__(HTTPStatus.NOT_FOUND, f"There is no {what} of this id.")


class NotAllowedError(PageError):
    """The visitor's role does not allow it."""

    def __init__(self, says: str) -> None:
        super().__init__(HTTPStatus.FORBIDDEN, says)


class WrongQueryError(PageError):
    """A part of the query can't be read."""

    def __init__(self, name: str, takes: str) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, f"The field {name!r} takes {takes}.")


class BusyError(PageError):
    """Others have all the connections for files."""

    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.SERVICE_UNAVAILABLE, "Other files are being written: ask for this one again in a moment."
        )
