"""What becomes of an attempt, by the answer to it. Pure: one place says what each answer means."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus

# Status codes of an endpoint that is overloaded or away as a whole, whatever the message.
_OVERLOADED = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_MOST_RETRY_AFTER = 24 * 3600.0
# Seconds that such an endpoint is left alone if it does not say how long.
_PAUSE = 1.0
_ABORT = "abort-message"
_MEANINGS = {300: ", and redirects are not followed"}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of an endpoint, or why there is none.

    Attributes:
        status: its code; None without an answer.
        error: why there is no answer, or not a whole one.
        retry_after: the header `retry-after`.
        delivery: the header `webhook-delivery`.
        text: the beginning of the body.
    """

    status: int | None = None
    error: str | None = None
    retry_after: str | None = None
    delivery: str | None = None
    text: bytes = b""


class Verdict(Enum):
    """What an answer means for the message."""

    DELIVERED = auto()
    FAILED = auto()
    """Try again by the schedule."""
    ABORTED = auto()
    """The endpoint never wants it again."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an answer means.

    Attributes:
        verdict: for the message.
        error: why it failed, if it did.
        is_gone: whether the endpoint is to be disabled.
        leave_alone: seconds until the endpoint may be sent to again; 0 if it need not be left alone.
        asked_to_wait: seconds that the endpoint itself asked for; 0 if it did not.
    """

    verdict: Verdict
    error: str | None = None
    is_gone: bool = False
    leave_alone: float = 0.0
    asked_to_wait: float = 0.0


def judge(answer: Answer, now: datetime) -> Judgement:
    """Return what an answer means.

    Args:
        answer: the answer, or why there is none.
        now: the time, for a `retry-after` that is a date.
    """
    is_gone = answer.status == HTTPStatus.GONE
    if answer.delivery is not None and answer.delivery.strip().lower() == _ABORT:
        return Judgement(Verdict.ABORTED, f"The endpoint answered `webhook-delivery: {_ABORT}`.", is_gone=is_gone)
    if answer.error is not None or answer.status is None:
        return Judgement(Verdict.FAILED, answer.error or "There was no answer.", is_gone=is_gone)
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return Judgement(Verdict.DELIVERED)
    asked_to_wait = _seconds(answer.retry_after, now) if answer.status in _OVERLOADED else 0.0
    return Judgement(
        Verdict.FAILED,
        f"The endpoint answered {answer.status}{_MEANINGS.get(answer.status // 100 * 100, '')}.",
        is_gone=is_gone,
        leave_alone=max(asked_to_wait, _PAUSE) if answer.status in _OVERLOADED else 0.0,
        asked_to_wait=asked_to_wait,
    )


def _seconds(retry_after: str | None, now: datetime) -> float:
    """Return how long `retry-after` asks to wait, at most 24 hours; 0 if it can't be read."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        seconds = float(text[:12])
    else:
        try:
            date = parsedate_to_datetime(text)
        except (TypeError, ValueError, IndexError, OverflowError):
            return 0.0
        # A date without a zone is UTC, as HTTP has it.
        seconds = _between(now, date if date.tzinfo else date.replace(tzinfo=UTC))
    return min(max(seconds, 0.0), _MOST_RETRY_AFTER)


def _between(now: datetime, date: datetime) -> float:
    return (date - now) / timedelta(seconds=1)
