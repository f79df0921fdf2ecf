"""`POST /webhook`: claim, size, signature, durable, answer."""

from collections.abc import Callable
from datetime import datetime

import structlog
from starlette.types import Receive, Scope, Send

from receiver.answer import accept, refuse
from receiver.body import BodyLimits, ClientGoneError, read_body
from receiver.keeping.group_commit import GroupCommit
from receiver.keys.ring import KeyRing
from receiver.metrics import ReceiverMetrics
from receiver.refusal import MethodNotAllowedError, RefusedError, reasons_to_refuse
from receiver.signature import read_claim
from workers.queue.delivery import Delivery, Provider, new_delivery_id

_log = structlog.get_logger(__name__)

# The client is gone; only counted.
_CLIENT_GONE = "client_gone"


class FaultError(RefusedError):
    """The receiver failed unexpectedly."""

    status = 503
    reason = "fault"
    sentence = "The delivery can't be taken right now; send it again."


class Webhook:
    """The endpoint, as an ASGI application. It never parses a body: the signed bytes are kept as they are.

    Args:
        keys: verify the signature.
        commit: makes the delivery durable.
        metrics: counts the answers.
        clock: the current time, UTC.
        limits: limits of the body's size and time.
    """

    def __init__(
        self,
        *,
        keys: KeyRing,
        commit: GroupCommit,
        metrics: ReceiverMetrics,
        clock: Callable[[], datetime],
        limits: BodyLimits,
    ) -> None:
        self._keys = keys
        self._commit = commit
        self._metrics = metrics
        self._clock = clock
        self._limits = limits
        metrics.may_refuse([*reasons_to_refuse(), _CLIENT_GONE])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            provider = await self._keep(scope, receive)
        except ClientGoneError:
            self._metrics.refused(_CLIENT_GONE)
            return
        except RefusedError as refused:
            refusal = type(refused)
        except Exception as error:  # noqa: BLE001 - a fault of ours is never final for the vendor
            _log.error("webhook_failed", exc_info=error)
            refusal = FaultError
        else:
            self._metrics.accepted[provider].inc()
            await accept(send)
            return
        # Not in the handlers: an exception holds what was read of the body.
        self._metrics.refused(refusal.reason)
        await refuse(refusal, send)

    async def _keep(self, scope: Scope, receive: Receive) -> Provider:
        if scope["method"] != "POST":
            raise MethodNotAllowedError
        headers = scope["headers"]
        claim = read_claim(headers)
        body = await read_body(headers, receive, self._limits)
        await self._keys.verify(claim.signature, body)
        received_at = self._clock()
        await self._commit.keep(
            Delivery(
                id=new_delivery_id(received_at),
                received_at=received_at,
                provider=claim.provider,
                delivery_uuid=claim.delivery_uuid,
                webhook_id=claim.webhook_id,
                body=body,
            )
        )
        return claim.provider
