"""Why a delivery is not answered with 200: one error class per reason, with its answer."""

from typing import ClassVar


class ReceiverError(Exception):
    """Base class of the receiver's errors."""


class RefusedError(ReceiverError):
    """A delivery is not answered with 200.

    Attributes:
        status: the HTTP status; a 4xx is final for the vendor, so it is only used when the refusal is certain.
        reason: one word, the same in the metric, the log and the tests.
        sentence: the answer's text; it reveals no internals and no part of the request.
    """

    status: ClassVar[int]
    reason: ClassVar[str]
    sentence: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(self.sentence)


def reasons_to_refuse() -> list[str]:
    """Return the reasons of all refusals imported so far."""
    return sorted(refusal.reason for refusal in RefusedError.__subclasses__())


class MethodNotAllowedError(RefusedError):
    """The method is not POST."""

    status = 405
    reason = "method"
    sentence = "Webhooks must be sent with POST."
