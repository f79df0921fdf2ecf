"""Why a delivery is not answered with 200: one error a reason, each knowing its answer."""

from typing import ClassVar


class ReceiverError(Exception):
    """The base of what goes wrong in the receiver."""


class RefusedError(ReceiverError):
    """A delivery gets another answer than 200.

    Attributes:
        status: the HTTP status; a 4xx is final for the vendor, so it is only for what is certain.
        reason: one word, the same in the metric, the log and the tests.
        sentence: what the sender is told; nothing about internals, and no part of the request.
    """

    status: ClassVar[int]
    reason: ClassVar[str]
    sentence: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(self.sentence)


def reasons_to_refuse() -> list[str]:
    """Return the reasons of all refusals that are defined where this is called."""
    return sorted(refusal.reason for refusal in RefusedError.__subclasses__())


class MethodNotAllowedError(RefusedError):
    """Something else than a POST."""

    status = 405
    reason = "method"
    sentence = "Webhooks are delivered by POST."
