"""Logging in and out."""

from collections.abc import Callable
from http import HTTPStatus
from math import ceil
from urllib.parse import parse_qs, urlsplit

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from console.pages.entrance.link import use_link
from console.pages.entrance.slowing import Slowing
from console.pages.entrance.visitor import address_of
from console.pages.refusals import PageError
from console.pages.settings import ConsoleSettings
from console.pages.site import Shown, Site

_MOST_FORM_BYTES = 16_384

_log = structlog.get_logger(__name__)


class Login:
    """The login: by the one-time link, or by the password."""

    def __init__(self, site: Site, settings: ConsoleSettings, clock: Callable[[], float]) -> None:
        self._site = site
        self._settings = settings
        self._clock = clock
        self._slowing = Slowing()

    async def show(self, request: Request) -> Response:
        """Show the form; or, from a link that has not been used yet, let somebody in."""
        link = request.query_params.get("link")
        if link is not None:
            return await self._by_link(request, link)
        if self._site.visitor(request) is not None:
            return RedirectResponse(_place(request.query_params.get("to")), HTTPStatus.SEE_OTHER)
        return self._form(request, None, HTTPStatus.OK)

    async def take(self, request: Request) -> Response:
        """Let somebody in who gives the password."""
        form = await read_form(request)
        if self._settings.password is None:
            return self._form(request, None, HTTPStatus.FORBIDDEN)
        address = address_of(request)
        wait = self._slowing.take_turn(address, self._clock())
        if wait > 0:
            says = f"Too many wrong passwords: try again in {ceil(wait)} s."
            response = self._form(request, says, HTTPStatus.TOO_MANY_REQUESTS)
            response.headers["retry-after"] = str(ceil(wait))
            return response
        if not await run_in_threadpool(self._settings.password.fits, form.get("password", "")):
            _log.warning("console_login_refused", address=address)
            return self._form(request, "That is not the password.", HTTPStatus.FORBIDDEN)
        self._slowing.was_right(address)
        _log.info("console_login", way="password", address=address)
        response = RedirectResponse(_place(form.get("to")), HTTPStatus.SEE_OTHER)
        self._site.doorkeeper.welcome(response, "password")
        return response

    async def leave(self, request: Request) -> Response:
        """Log somebody out."""
        await read_form(request)
        response = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        self._site.doorkeeper.say_goodbye(response)
        return response

    async def _by_link(self, request: Request, link: str) -> Response:
        if not await run_in_threadpool(use_link, self._settings.link_file, link):
            _log.warning("console_login_refused", address=address_of(request))
            return self._form(
                request, "This link has been used, or is an old one: `rollcall console link` makes another.",
                HTTPStatus.FORBIDDEN,
            )  # fmt: skip
        _log.info("console_login", way="link", address=address_of(request))
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        self._site.doorkeeper.welcome(response, "link")
        return response

    def _form(self, request: Request, says: str | None, status: HTTPStatus) -> Response:
        values = {
            "says": says,
            "has_password": self._settings.password is not None,
            "has_link": self._settings.link_file is not None,
            "to": _place(request.query_params.get("to")),
        }
        return self._site.render(request, Shown("login.html", "Log in", values), status=status)


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form, the first of each name.

    Raises:
        PageError: it is too long, or cut.
    """
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > _MOST_FORM_BYTES:
                raise PageError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The form is too long.")
    except ClientDisconnect:
        raise PageError(HTTPStatus.BAD_REQUEST, "The form was cut.") from None
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise PageError(HTTPStatus.BAD_REQUEST, "The form can't be read.") from None
    return {name: values[0] for name, values in fields.items()}


def _place(wanted: str | None) -> str:
    """Return where to go after logging in: to a page of ours alone, whatever the address says."""
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\", "/login", "/logout")):
        return "/"
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or not wanted.isprintable() or "\\" in wanted:
        return "/"
    return wanted
