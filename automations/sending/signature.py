"""The headers that identify and sign an attempt, by the Standard Webhooks specification."""

from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook


class Signer:
    """Signs with each of an endpoint's valid secrets: during a rotation a receiver may know either."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Sign with secrets as `whsec_` and base64; there must be at least one."""
        self._webhooks = [Webhook(secret) for secret in secrets]

    def headers(self, message_id: str, at: int, body: str) -> dict[str, str]:
        """Return the headers of an attempt.

        Args:
            message_id: the same at each attempt.
            at: when this attempt is made, in whole seconds of Unix time.
            body: as it is sent.
        """
        timestamp = datetime.fromtimestamp(at, UTC)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(one.sign(message_id, timestamp, body) for one in self._webhooks),
        }
