"""The composition root: where the receiver's parts are put together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.body import BodyLimits
from receiver.keeping.figures import show_keeper
from receiver.keeping.group_commit import Bounds, GroupCommit
from receiver.keeping.keeper import Keeper
from receiver.keys.ring import KeyRing
from receiver.keys.steady_clock import steady_clock
from receiver.keys.store import KeyStore
from receiver.keys.watch import KeyWatch, Pace
from receiver.metrics import ReceiverMetrics
from receiver.readiness import Readiness, healthz
from receiver.settings import ReceiverSettings
from receiver.vitals import watch_parts
from receiver.webhook import Webhook

WEBHOOK_PATH = "/webhook"

# The vendor times out after 3 s; a slow proxy in between may not.
BODY_SECONDS = 10.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """Return the current time, UTC; 1970 if the system clock is earlier, since no delivery id can be."""
    return max(datetime.now(UTC), _EPOCH)


class Receiver(Starlette):
    """A Starlette application with a fast path for deliveries.

    Deliveries go straight to their endpoint, which handles all its errors: Starlette's routing and error handling
    would make each delivery take a fifth longer.
    """

    webhook: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the application's lifespan."""
        if scope["type"] == "http" and scope["path"] == WEBHOOK_PATH:
            await self.webhook(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(  # noqa: PLR0913 - the root takes every part that a test replaces
    settings: ReceiverSettings,
    *,
    keeper: Keeper,
    metrics: ReceiverMetrics | None = None,
    clock: Callable[[], datetime] = utc_now,
    steady: Callable[[], datetime] | None = None,
    body_seconds: float = BODY_SECONDS,
    pace: Pace | None = None,
    bounds: Bounds | None = None,
    broken: Callable[[], None] = lambda: None,
) -> Receiver:
    """Return the receiver as an ASGI application; its lifespan starts and stops the background tasks.

    Args:
        settings: the process's settings.
        keeper: makes groups of deliveries durable.
        metrics: the metrics to update.
        clock: the current time, UTC; it dates deliveries.
        steady: a monotonic clock; the keys' ages are measured by it.
        body_seconds: how long a body may take to arrive.
        pace: how often key documents are fetched.
        bounds: how much may wait to be made durable.
        broken: ends the process; called when one of its parts has died.
    """
    metrics = metrics or ReceiverMetrics()
    keys = _key_ring(settings, metrics, clock, steady or steady_clock(), pace)
    commit = GroupCommit(keeper, metrics, bounds)
    readiness = Readiness(keys, keeper)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await keeper.start()
        await keys.start()
        showing = asyncio.create_task(show_keeper(keeper, metrics, clock), name="figures")

        def dead_parts() -> list[str]:
            parts = {"key watch": keys.is_whole(), "group commit": commit.is_whole(), "figures": not showing.done()}
            return [*keeper.dead_parts(), *(name for name, is_whole in parts.items() if not is_whole)]

        watching = asyncio.create_task(watch_parts(dead_parts, broken), name="vitals")
        try:
            yield
        finally:
            watching.cancel()
            await commit.drain()
            showing.cancel()
            await asyncio.gather(showing, watching, return_exceptions=True)
            await keeper.stop()
            await keys.stop()

    app = Receiver(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readiness.readyz),
        ],
        lifespan=lifespan,
        exception_handlers={HTTPStatus.NOT_FOUND: _not_found},
    )
    app.router.redirect_slashes = False  # a redirect is a failure to the vendor
    app.webhook = Webhook(
        keys=keys,
        commit=commit,
        metrics=metrics,
        clock=clock,
        limits=BodyLimits(settings.max_body_bytes, body_seconds),
    )
    return app


def _key_ring(
    settings: ReceiverSettings,
    metrics: ReceiverMetrics,
    clock: Callable[[], datetime],
    steady: Callable[[], datetime],
    pace: Pace | None,
) -> KeyRing:
    dev_keys = (settings.dev_key,) if settings.dev_key else ()
    if settings.public_keys:
        return KeyRing((*settings.public_keys, *dev_keys), None, metrics)
    store = KeyStore(settings.var_folder.keys)
    watch = KeyWatch(settings.key_urls, store, metrics, clock, steady, pace, settings.way_out)
    return KeyRing(dev_keys, watch, metrics)


async def _not_found(_request: Request, _error: Exception) -> Response:
    content = msgspec.json.encode({"error": "Not found; webhooks go to /webhook."})
    return Response(content, HTTPStatus.NOT_FOUND, media_type="application/json")
