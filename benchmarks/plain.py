"""The plain design's receiver: verify, send one Dramatiq message per webhook, both in the thread pool, then answer.

It gives the same guarantee as Rollcall: the queue has confirmed before it answers.

    python -m benchmarks.plain          (PORT, BROKER_URL and WEBHOOK_PUBLIC_KEYS as the receiver takes them)
"""

import os
from datetime import UTC, datetime
from typing import Any

import dramatiq
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.plain_worker import create_broker
from receiver.keys.public_key import PublicKey, read_public_keys
from receiver.refusal import RefusedError
from receiver.serving import listen, make_server
from receiver.signature import read_claim


class PlainWebhook:
    """The endpoint."""

    def __init__(self, key: PublicKey, record: dramatiq.Actor[Any, Any]) -> None:
        self._key = key
        self._record = record

    async def answer(self, request: Request) -> JSONResponse:
        """Read the body, keep it, answer."""
        body = await request.body()
        is_kept = await run_in_threadpool(self._keep, request.scope["headers"], body)
        return JSONResponse({"status": "accepted"}) if is_kept else JSONResponse({"error": "Not signed."}, 401)

    def _keep(self, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        try:
            claim = read_claim(headers)
        except RefusedError:
            return False
        if not self._key.made(claim.signature, body):
            return False
        received_at = datetime.now(UTC).isoformat()
        self._record.send(received_at, claim.provider.value, claim.delivery_uuid, claim.webhook_id, body.decode())
        return True


def main() -> None:
    """Serve until SIGTERM."""
    record = create_broker().get_actor("record")
    (key,) = read_public_keys(os.environ["WEBHOOK_PUBLIC_KEYS"])
    app = Starlette(routes=[Route("/webhook", PlainWebhook(key, record).answer, methods=["POST"])])
    make_server(app).run(sockets=[listen("127.0.0.1", int(os.environ["PORT"]))])


if __name__ == "__main__":
    main()
