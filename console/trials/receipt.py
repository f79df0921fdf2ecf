"""What a receiver for trying out makes of a request: the answer, and what is shown of it."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from automations.errors import AutomationsError
from console.failure import CommandFailedError
from console.trials.secrets import Secrets
from runtime.setting_error import SettingError


class Verdict(StrEnum):
    """What became of a request."""

    VERIFIED = "verified"
    REPEATED = "repeated"
    """Verified, and received before: a receiver must do nothing a second time."""
    FAILED = "failed"
    """Verified, and answered with 500 because that was asked for."""
    REFUSED = "refused"
    """Not signed with a secret of this URL."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A request and what became of it.

    Attributes:
        verdict: what became of it.
        answer: the status that it is answered with.
        message_id: its `webhook-id`.
        body: what it says; None if it was not verified.
        why: why it was not verified.
    """

    verdict: Verdict
    answer: HTTPStatus
    message_id: str
    body: Mapping[str, Any] | None = None
    why: str = ""


class Trial:
    """Verifies requests as a receiver should, and fails the first ones if that is asked for."""

    def __init__(self, secrets: Secrets, fail: int, show: Callable[[Receipt], None]) -> None:
        """Remember nothing yet.

        Args:
            secrets: what to verify with.
            fail: how many verified requests are answered with 500.
            show: called with each receipt, by one thread at a time.
        """
        self._secrets = secrets
        self._left_to_fail = fail
        self._show = show
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def take(self, url: str, headers: Mapping[str, str], body: bytes) -> HTTPStatus:
        """Return the status to answer a request with.

        Args:
            url: that it was posted to.
            headers: by their names in lower case.
            body: the bytes as they came: a body that was parsed and written again has another signature.
        """
        with self._lock:
            receipt = self._judged(url, headers, body)
            self._show(receipt)
            return receipt.answer

    def _judged(self, url: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        message_id = headers.get("webhook-id", "")
        try:
            why = self._fault(url, headers, body)
        except (CommandFailedError, SettingError, AutomationsError) as error:
            return Receipt(Verdict.REFUSED, HTTPStatus.SERVICE_UNAVAILABLE, message_id, why=str(error))
        if why:
            return Receipt(Verdict.REFUSED, HTTPStatus.UNAUTHORIZED, message_id, why=why)
        message = json.loads(body)
        if self._left_to_fail > 0:
            self._left_to_fail -= 1
            return Receipt(Verdict.FAILED, HTTPStatus.INTERNAL_SERVER_ERROR, message_id, message)
        verdict = Verdict.REPEATED if message_id in self._seen else Verdict.VERIFIED
        self._seen.add(message_id)
        return Receipt(verdict, HTTPStatus.NO_CONTENT, message_id, message)

    def _fault(self, url: str, headers: Mapping[str, str], body: bytes) -> str:
        """Return why a request is not to be trusted; empty if it is."""
        for fresh in (False, True):
            secrets = self._secrets.of(url, fresh=fresh)
            why = _fault(secrets, headers, body) if secrets else f"no endpoint has the URL {url}"
            if not why:
                return ""
        return why


def _fault(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> str:
    why = ""
    for secret in secrets:
        try:
            Webhook(secret).verify(body, dict(headers))
        except WebhookVerificationError as error:
            why = str(error)
        except ValueError:  # no UTF-8, no JSON, or a signature that is no base64
            why = "Not a signed JSON body"
        else:
            return ""
    return why
