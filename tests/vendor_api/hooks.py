"""The webhooks that are registered at the fake vendor."""

import uuid
from collections import defaultdict
from typing import Any

from tests.vendor_api.switches import Switches
from vendor_api.registrations import EVENTS

Row = dict[str, Any]
_AT = "2026-03-01T08:00:00.000Z"


class BadHookError(Exception):
    """The vendor answers a call with 400."""


class Hooks:
    """Registered webhooks, by organization or app."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._rows: dict[str, list[Row]] = defaultdict(list)

    def of(self, owner: str) -> list[Row]:
        """Return the webhooks of an organization or app, as they are kept."""
        return self._rows[owner]

    def add(self, owner: str, url: str, *, is_enabled: bool = True, events: tuple[str, ...] = EVENTS) -> Row:
        """Register a URL, as somebody does by hand."""
        return self._kept(owner, {"name": "by hand", "url": url, "events": list(events), "enabled": is_enabled})

    def answer(self, method: str, owner: str, hook_id: str | None, body: Row) -> tuple[int, Any]:
        """Return status and data of a call.

        Raises:
            BadHookError: the call is refused.
            KeyError: there is none of this id.
        """
        if hook_id is None:
            if method == "GET":
                return 200, [self._told(row) for row in self._rows[owner]]
            self._require(body, "name", "url", "events")
            return 201, self._told(self._kept(owner, body))
        row = self._find(owner, hook_id)
        if method == "DELETE":
            self._rows[owner].remove(row)
        elif method == "PATCH":
            # The published description has `true` as the default of a field that is left out.
            row.update({"enabled": True, **body})
        elif method == "PUT":
            self._require(body, "name", "url", "events")
            row.update({"enabled": True, **body})
        return 200, self._told(row)

    def _find(self, owner: str, hook_id: str) -> Row:
        try:
            uuid.UUID(hook_id)
        except ValueError:
            raise BadHookError('"id" must be a valid GUID') from None
        for row in self._rows[owner]:
            if row["id"] == hook_id:
                return row
        raise KeyError(hook_id)

    def _kept(self, owner: str, body: Row) -> Row:
        row = {"id": str(uuid.uuid4()), "enabled": True, **body, "created_at": _AT, "updated_at": _AT}
        self._rows[owner].append(row)
        return row

    def _told(self, row: Row) -> Row:
        return {name: value for name, value in row.items() if self._switches.has_enabled or name != "enabled"}

    @staticmethod
    def _require(body: Row, *names: str) -> None:
        for name in names:
            if name not in body:
                raise BadHookError(f'"{name}" is required')
        unknown = [event for event in body["events"] if event not in EVENTS]
        if unknown:
            raise BadHookError(f'"events[0]" must be one of [{", ".join(EVENTS)}]')
