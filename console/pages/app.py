"""The console as an application: what answers at which address."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from console.pages.acts import endpoints
from console.pages.acts.act import Act, Prepare
from console.pages.acts.redeliver import redeliver
from console.pages.acts.replay import Replay
from console.pages.counted_days import CountedDays
from console.pages.database import Database
from console.pages.entrance.guard import Guard
from console.pages.entrance.keys import ConsoleKeys
from console.pages.entrance.visitor import Doorkeeper
from console.pages.login import Login
from console.pages.metrics import ConsoleMetrics, Measured
from console.pages.refusals import PageError
from console.pages.settings import ConsoleSettings
from console.pages.site import Site, View
from console.pages.views.automations import automations, message
from console.pages.views.deliveries import deliveries
from console.pages.views.delivery import delivery
from console.pages.views.health import HealthPage
from console.pages.views.home import Home
from console.pages.views.meeting import meeting
from console.pages.views.observation import observation
from console.pages.views.person import PersonPage
from console.pages.views.recordings import recordings
from console.pages.views.session import session
from console.pages.views.sessions import sessions
from console.pages.views.usage import UsagePage
from workers.settings import WorkerSettings


class _Any(Convertor[str]):
    """A part of a path that is the rest of it: ids are texts of the vendor, which may hold slashes and line breaks."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("any", _Any())


def create_app(
    settings: ConsoleSettings,
    metrics: ConsoleMetrics,
    environment: Mapping[str, str],
    clock: Callable[[], float] = time.monotonic,
) -> ASGIApp:
    """Return the console.

    Args:
        settings: the settings.
        metrics: counts what is asked for.
        environment: all settings, for what `doctor` looks at.
        clock: tells how long ago a wrong password was.
    """
    return Guard(Measured(create_pages(settings, environment, clock), metrics), settings.url)


def create_pages(
    settings: ConsoleSettings, environment: Mapping[str, str], clock: Callable[[], float] = time.monotonic
) -> Starlette:
    """Return what answers behind the guard; the rest as `create_app`."""
    keys = ConsoleKeys.of(settings.keys, str(settings.password or "").encode())
    database = Database(settings.database_url)
    counted = CountedDays(database)
    site = Site(database, Doorkeeper(settings, keys))
    login = Login(site, settings, clock)
    pages: Mapping[str, View] = {
        "/": Home(has_queue=settings.has_queue).page,
        "/sessions": sessions,
        "/sessions/{id:any}": session,
        "/recordings": recordings,
        "/deliveries": deliveries,
        "/deliveries/{id}": delivery,
        "/observations/{id}": observation,
        "/people/{id:any}": PersonPage(database, keys).page,
        "/meetings/{id:any}": meeting,
        "/usage": UsagePage(counted).page,
        "/automations": automations,
        "/automations/messages/{id}": message,
        "/health": HealthPage(environment).page,
    }
    scope = WorkerSettings.from_environment(environment).scope
    acts: Mapping[str, Prepare] = {
        "replay": Replay(settings.database_url, scope).prepare,
        "redeliver": redeliver,
        "enable": endpoints.enable,
        "disable": endpoints.disable,
        "test": endpoints.test,
    }

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        counted.close()
        database.close()

    async def on_wrong_address(request: Request, error: Exception) -> Response:
        status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        return await site.on_error(request, PageError(status, "There is no such page."))

    return Starlette(
        routes=[
            *(Route(path, site.page(view), methods=["GET"]) for path, view in pages.items()),
            *(Route(f"/acts/{name}", Act(site, prepare).ask, methods=["GET"]) for name, prepare in acts.items()),
            *(Route(f"/acts/{name}", Act(site, prepare).act, methods=["POST"]) for name, prepare in acts.items()),
            Route("/login", login.show, methods=["GET"]),
            Route("/login", login.take, methods=["POST"]),
            Route("/logout", login.leave, methods=["POST"]),
            Route("/static/{name}", site.static_files.serve, methods=["GET"]),
        ],
        exception_handlers={HTTPException: on_wrong_address, PageError: site.on_error, Exception: site.on_error},
        lifespan=lifespan,
    )
