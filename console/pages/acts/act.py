"""An act: asked for by its address, confirmed on a page, done and written down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from console.failure import CommandFailedError
from console.pages.asking import Asking
from console.pages.audit import note
from console.pages.entrance.visitor import Visitor
from console.pages.login import read_form
from console.pages.refusals import NotAllowedError, PageError
from console.pages.site import Shown, Site, zone_in
from runtime.session import Session

_TOUCHED = "touched"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An act that is ready to be done.

    Attributes:
        act: what it is called in the audit.
        subject: what it is done to.
        question: what to ask.
        touched: how many deliveries, messages or endpoints it touches.
        back: the page to go back to.
        do: does it, and says what it came to.
    """

    act: str
    subject: str
    question: str
    touched: int
    back: str
    do: Callable[[Session], str]


Prepare = Callable[[Asking], Prepared]


class Act:
    """The two pages of an act: the question, and what it came to."""

    def __init__(self, site: Site, prepare: Prepare) -> None:
        self._site = site
        self._prepare = prepare

    async def ask(self, request: Request) -> Response:
        """Ask whether it is meant."""
        visitor = self._visitor(request)
        if visitor is None:
            return self._site.to_login(request)
        fields = dict(request.query_params)
        prepared = await run_in_threadpool(self._prepared, request, visitor, fields)
        return self._question(request, visitor, prepared, fields)

    async def act(self, request: Request) -> Response:
        """Do it, if it still touches as much as was said."""
        visitor = self._visitor(request)
        if visitor is None:
            return self._site.to_login(request)
        fields = await read_form(request)
        said = fields.pop(_TOUCHED, "")
        prepared = await run_in_threadpool(self._prepared, request, visitor, fields)
        if said != str(prepared.touched) or not prepared.touched:
            return self._question(request, visitor, prepared, fields)
        says = await run_in_threadpool(self._do, visitor, prepared)
        return self._show(request, visitor, {"prepared": prepared, "says": says, "fields": {}})

    def _visitor(self, request: Request) -> Visitor | None:
        visitor = self._site.visitor(request)
        if visitor is not None and not visitor.role.may_operate:
            raise NotAllowedError("Your role only looks: for this it has to be `operate`.")
        return visitor

    def _prepared(self, request: Request, visitor: Visitor, fields: Mapping[str, str]) -> Prepared:
        with self._site.database.reading(visitor.role) as tables:
            asking = replace(Asking.of(request, visitor, tables, zone_in(request)), given=fields)
            return self._prepare(asking)

    def _do(self, visitor: Visitor, prepared: Prepared) -> str:
        with self._site.database.changing() as connection:
            note(connection, visitor, prepared.act, prepared.subject, prepared.touched)
            try:
                return prepared.do(connection)
            except CommandFailedError as error:
                raise PageError(HTTPStatus.CONFLICT, str(error)) from error

    def _question(self, request: Request, visitor: Visitor, prepared: Prepared, fields: Mapping[str, str]) -> Response:
        kept = {name: value for name, value in fields.items() if value and name != _TOUCHED}
        return self._show(request, visitor, {"prepared": prepared, "says": None, "fields": kept})

    def _show(self, request: Request, visitor: Visitor, values: dict[str, Any]) -> Response:
        title = values["prepared"].act.capitalize()
        return self._site.render(request, Shown("act.html", title, values), visitor=visitor, zone=zone_in(request))


def described(fields: Mapping[str, str]) -> str:
    """Return what a filter chooses, for the audit; what is looked for in texts is not written down."""
    kept = {name: value if name not in _TEXTS else "…" for name, value in fields.items() if value}
    return urlencode(kept, safe=":… ")[:_MOST_DESCRIBED]


_TEXTS = frozenset({"error", "person", "title"})
_MOST_DESCRIBED = 500
