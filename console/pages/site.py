"""What all pages share: who may see them, a snapshot of the tables, templates, and answers when something is wrong."""

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import psycopg
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console.failure import CommandFailedError
from console.pages.asking import Asking, path_of
from console.pages.database import Database
from console.pages.entrance.visitor import Doorkeeper, UnknownUserError, Visitor
from console.pages.file_answer import FileAnswer
from console.pages.listing import Listing, as_csv
from console.pages.refusals import NotAllowedError, PageError, WrongQueryError
from console.pages.rendering import Templates
from console.pages.static_files import StaticFiles
from console.pages.zones import COOKIE, Zone, zone_of
from console.queries.tables import DatabaseAwayError, HiddenFilterError

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page to show.

    Attributes:
        template: its template.
        title: what it is about; the heading and the window's title.
        values: for the template.
        listings: its tables, each of which can be had as a file.
        is_live: whether it is asked for again every two seconds.
    """

    template: str
    title: str
    values: dict[str, Any] = field(default_factory=dict)
    listings: tuple[Listing, ...] = ()
    is_live: bool = False


View = Callable[[Asking], Shown | Response]
Endpoint = Callable[[Request], Awaitable[Response]]


class Site:
    """The pages of one process."""

    def __init__(self, database: Database, doorkeeper: Doorkeeper) -> None:
        self.database = database
        self.doorkeeper = doorkeeper
        self.static_files = StaticFiles()
        self._templates = Templates()

    def page(self, view: View) -> Endpoint:
        """Return what answers with a page: those who are not in are sent to log in."""

        async def endpoint(request: Request) -> Response:
            visitor = self.visitor(request)
            if visitor is None:
                return self.to_login(request)
            # Reading waits for the database: not in the loop that serves everybody.
            return await run_in_threadpool(self._answer, request, visitor, view)

        return endpoint

    def visitor(self, request: Request) -> Visitor | None:
        """Return who asks; None if they have to log in.

        Raises:
            NotAllowedError: a proxy names somebody who has no role here.
        """
        try:
            return self.doorkeeper.visitor(request)
        except UnknownUserError:
            raise NotAllowedError("You have no role here: CONSOLE_ROLES gives one.") from None

    def to_login(self, request: Request) -> Response:
        """Send somebody to log in, and then back."""
        wanted = path_of(request) + (f"?{request.url.query}" if request.url.query else "")
        if request.method not in {"GET", "HEAD"} or wanted == "/":
            return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        return RedirectResponse(f"/login?to={quote(wanted, safe='')}", HTTPStatus.SEE_OTHER)

    def _answer(self, request: Request, visitor: Visitor, view: View) -> Response:
        if "csv" in request.query_params:
            return FileAnswer(self._file(request, visitor, view), request.query_params["csv"])
        with self.database.reading(visitor.role) as tables:
            asking = Asking.of(request, visitor, tables, zone_in(request))
            shown = view(asking)
        if isinstance(shown, Response):
            return shown
        return self.render(request, shown, visitor=visitor, zone=asking.zone)

    def _file(self, request: Request, visitor: Visitor, view: View) -> Generator[str]:
        with self.database.copying(visitor.role) as tables:
            shown = view(Asking.of(request, visitor, tables, zone_in(request)))
            listings = () if isinstance(shown, Response) else shown.listings
            listing = next((one for one in listings if one.name == request.query_params["csv"]), None)
            if listing is None:
                raise WrongQueryError("csv", "the name of a table of this page")
            yield from as_csv(listing)

    def render(
        self,
        request: Request,
        shown: Shown,
        *,
        visitor: Visitor | None = None,
        zone: Zone | None = None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        """Return a page as an answer."""
        html = self._templates.page(
            shown.template,
            title=shown.title,
            visitor=visitor,
            zone=zone or Zone("UTC"),
            path=path_of(request),
            query=request.query_params,
            version=self.static_files.version,
            is_live=shown.is_live,
            live_address=path_of(request) + (f"?{request.url.query}" if request.url.query else ""),
            listings={listing.name: listing for listing in shown.listings},
            **shown.values,
        )
        return HTMLResponse(html, status)

    async def on_error(self, request: Request, error: Exception) -> Response:
        """Answer when a page can't be shown: what happened, and what to do now."""
        status, says = _told(error)
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("page_failed", exc_info=error)
        try:
            visitor = self.visitor(request)
        except NotAllowedError:
            visitor = None
        shown = Shown("error.html", status.phrase, {"says": says})
        return self.render(request, shown, visitor=visitor, status=status)


def zone_in(request: Request) -> Zone:
    """Return the zone that a request wants times in.

    Raises:
        WrongQueryError: the address names none.
    """
    try:
        return zone_of(request.query_params.get("tz"), request.cookies.get(COOKIE))
    except ValueError:
        raise WrongQueryError("tz", "the name of a time zone, such as Europe/Berlin") from None


def with_files(asking: Asking, listing: Listing) -> Listing:
    """Return a table with the address of its file."""
    return replace(listing, file=asking.link(csv=listing.name, after=None))


def _told(error: Exception) -> tuple[HTTPStatus, str]:
    match error:
        case PageError():
            return error.status, str(error)
        case HiddenFilterError():
            return HTTPStatus.FORBIDDEN, str(error)
        case DatabaseAwayError() if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            return (
                HTTPStatus.SERVICE_UNAVAILABLE,
                "This takes the database too long: choose a shorter range of time, or fewer filters.",
            )
        case DatabaseAwayError():
            return HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer. This page is here again once it does."
        case CommandFailedError():
            return (
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "The database can't be read as it should be: see `rollcall doctor`.",
            )
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR, "The page could not be made. The console's log says why."
