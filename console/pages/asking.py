"""What a page knows of a request: who asks, what for, and the tables as they may see them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

from starlette.requests import Request

from console.pages.entrance.visitor import Visitor
from console.pages.refusals import WrongQueryError
from console.pages.zones import Zone
from console.queries.conditions import Range
from console.queries.tables import Tables

_MOST_TEXT = 500
_TIME_TAKES = "a date or a time, such as 2026-03-02 or 2026-03-02T09:00"

Chosen = TypeVar("Chosen", bound=StrEnum)
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Asking:
    """A request for a page.

    Attributes:
        request: the request.
        visitor: who asks.
        tables: a snapshot, as they may see it.
        zone: the time zone that they see times in.
        now: the time.
        given: the fields; None: those of the query.
    """

    request: Request
    visitor: Visitor
    tables: Tables
    zone: Zone
    now: datetime
    given: Mapping[str, str] | None = None

    @classmethod
    def of(cls, request: Request, visitor: Visitor, tables: Tables, zone: Zone) -> "Asking":
        """Return a request as of now."""
        return cls(request, visitor, tables, zone, datetime.now(UTC))

    @property
    def path(self) -> str:
        """The path that is asked for, as it stands in an address."""
        return path_of(self.request)

    def part(self, name: str) -> str:
        """Return a part of the path.

        Raises:
            WrongQueryError: it holds what no column can.
        """
        found = str(self.request.path_params[name])
        if not _fits(found):
            raise WrongQueryError(name, "an id")
        return found

    def text(self, name: str) -> str | None:
        """Return a field of the query without the space around it; None if it is missing or empty.

        Raises:
            WrongQueryError: it is too long, or holds what no column can.
        """
        fields = self.request.query_params if self.given is None else self.given
        found = fields.get(name, "").strip()
        if len(found) > _MOST_TEXT or not _fits(found):
            raise WrongQueryError(name, f"at most {_MOST_TEXT} characters of text")
        return found or None

    def one_of(self, name: str, kind: type[Chosen]) -> Chosen | None:
        """Return a field as one of some choices."""
        return self.read(name, kind, f"one of {', '.join(kind)}")

    def uuid(self, name: str) -> UUID | None:
        """Return a field as a delivery's id."""
        return self.read(name, UUID, "an id")

    def number(self, name: str, most: int) -> int:
        """Return a field as a number from 0, which is the default, to `most`."""

        def read(text: str) -> int:
            if not text.isascii() or not text.isdigit() or int(text) > most:
                raise ValueError
            return int(text)

        return self.read(name, read, f"a number from 0 to {most}") or 0

    def read(self, name: str, read: Callable[[str], Read], takes: str) -> Read | None:
        """Return a field as `read` reads it.

        Raises:
            WrongQueryError: it can't be read.
        """
        text = self.text(name)
        if text is None:
            return None
        try:
            return read(text)
        except (ValueError, OverflowError):
            raise WrongQueryError(name, takes) from None

    def range(self) -> Range:
        """Return the fields `from` and `to` as a range; times without an offset are in the visitor's zone."""
        return Range(
            since=self.read("from", self.zone.read, _TIME_TAKES), until=self.read("to", self.zone.read, _TIME_TAKES)
        )

    def link(self, **changes: Any) -> str:
        """Return this page's address with some fields of the query changed; those of None are left out."""
        fields = {**dict(self.request.query_params), **changes}
        kept = {name: str(value) for name, value in fields.items() if value not in {None, ""}}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path


def path_of(request: Request) -> str:
    """Return the path that is asked for as it stands in an address: an id in it may hold any sign."""
    raw: bytes | None = request.scope.get("raw_path")
    return raw.decode("ascii", "replace") if raw is not None else quote(request.scope["path"])


def _fits(text: str) -> bool:
    """Return whether a column can hold a text."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)
