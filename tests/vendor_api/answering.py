"""What the fake vendor answers to a call whose credentials are right."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from tests.vendor_api.hooks import BadHookError, Hooks
from tests.vendor_api.switches import Switches
from tests.vendor_api.telling import Row, participant_rows, recording_row, session_row, status_of
from tests.vendor_api.world import RecordingMade, SessionHeld
from vendor_api.registrations import EVENTS


@dataclass
class Said:
    """An answer. `is_cut`: the connection ends in the middle of the body."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False

    @classmethod
    def json(cls, status: int, value: Any) -> Self:
        """Return an answer in JSON."""
        return cls(status, json.dumps(value).encode(), {"content-type": "application/json"})


def not_found(dialect: str, message: str) -> Said:
    """Return that something is not there."""
    if dialect == "realtimekit" and message.startswith("Could not route"):
        return Said.json(404, {"success": False, "errors": [{"code": 7003, "message": message}], "result": None})
    return Said.json(404, {"success": False, "error": {"code": 404, "message": message}})


def unauthorized(dialect: str) -> Said:
    """Return that the credentials are refused."""
    if dialect == "dyte":
        return Said.json(401, {"message": "Unauthorized"})
    errors = [{"code": 10000, "message": "Authentication error"}]
    return Said.json(401, {"success": False, "errors": errors, "messages": [], "result": None})


@dataclass(frozen=True)
class Answering:
    """Answers calls of one organization or app at a time."""

    dialect: str
    owner: str
    switches: Switches
    hooks: Hooks
    as_of: datetime

    def answer(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: Any,
        sessions: Sequence[SessionHeld],
        *,
        is_over: bool,
    ) -> Said:
        """Return the answer to a call about these sessions; `is_over`: all of them have ended, if they ever do."""
        as_of = None if is_over else self.as_of
        match path.strip("/").split("/"):
            case ["sessions"] if method == "GET":
                return self._sessions(query, self._begun(sessions), as_of)
            case ["sessions", session_id, *rest] if method == "GET":
                held = next((one for one in sessions if one.id == session_id), None)
                if held is None or held.started_at > self.as_of:
                    return not_found(self.dialect, f"No session found with id {session_id}")
                return self._session(held, rest, query, as_of)
            case ["recordings"] if method == "GET":
                return self._recordings(query, self._begun(sessions), as_of)
            case ["webhooks", *rest] if len(rest) <= 1:
                return self._webhooks(method, rest[0] if rest else None, body)
        return not_found(self.dialect, "Could not route to the path.")

    def _begun(self, sessions: Sequence[SessionHeld]) -> list[SessionHeld]:
        return [one for one in sessions if one.started_at <= self.as_of]

    def _sessions(self, query: dict[str, str], begun: Sequence[SessionHeld], as_of: datetime | None) -> Said:
        since, until = _bounds(query)
        held = [
            one
            for one in sorted(begun, key=lambda one: (one.started_at, one.id))
            if since <= one.started_at <= until
            and query.get("associated_id", one.meeting_id) == one.meeting_id
            and query.get("status", status_of(one, as_of)) == status_of(one, as_of)
        ]
        # Only the rows that are shown are made: a long list must not take the time of many.
        return self._page(
            self._sorted(held, query), query, "sessions", lambda one: session_row(one, self.switches, self.owner, as_of)
        )

    def _session(self, held: SessionHeld, rest: list[str], query: dict[str, str], as_of: datetime | None) -> Said:
        if not rest:
            row = session_row(held, self.switches, self.owner, as_of)
            return Said.json(
                200, {"success": True, "data": {"session": row} if self.switches.details == "nested" else row}
            )
        if rest != ["participants"]:
            return not_found(self.dialect, "Not available")
        with_events = query.get("include_peer_events") == "true"
        rows = participant_rows(held, self.switches, as_of, with_events=with_events)
        return self._page(rows, query, "participants")

    def _recordings(self, query: dict[str, str], begun: Sequence[SessionHeld], as_of: datetime | None) -> Said:
        since, until = _bounds(query)
        made: list[tuple[SessionHeld, RecordingMade]] = [
            (one, recording)
            for one in begun
            for recording in one.recordings
            if recording.invoked_at <= self.as_of
            and since <= recording.invoked_at <= until
            and query.get("meeting_id", one.meeting_id) == one.meeting_id
        ]
        made.sort(key=lambda pair: (pair[1].invoked_at, pair[1].id))
        return self._page(
            self._sorted(made, query), query, "", lambda pair: recording_row(pair[0], pair[1], self.switches, as_of)
        )

    def _webhooks(self, method: str, hook_id: str | None, body: Any) -> Said:
        if hook_id == "all" and method == "GET" and self.dialect == "realtimekit":
            if self.switches.event_list == "unknown":
                return not_found(self.dialect, "Could not route to the path.")
            events = list(EVENTS)
            return Said.json(
                200, {"success": True, "data": events if self.switches.event_list == "list" else {"events": events}}
            )
        try:
            status, data = self.hooks.answer(method, self.owner, hook_id, body or {})
        except BadHookError as error:
            return Said.json(400, {"success": False, "error": {"code": 400, "message": f"BAD_REQUEST: {error}"}})
        except KeyError:
            return not_found(self.dialect, "Error: resource not found")
        return Said.json(status, {"success": True, "data": data})

    def _sorted(self, rows: list[Any], query: dict[str, str]) -> list[Any]:
        return rows if query.get("sort_order", self.switches.order) == "ASC" else rows[::-1]

    def _page(
        self, rows: list[Any], query: dict[str, str], name: str, make: Callable[[Any], Row] = lambda row: row
    ) -> Said:
        """Return a page of a list, its rows made by `make`; with no name, `data` is the list itself."""
        switches = self.switches
        size = max(min(int(query.get("per_page") or 25), switches.most_per_page), 1)
        number = 0 if switches.ignores_page else max(int(query.get("page_no") or 1) - switches.first_page, 0)
        begin, repeated = number * size, int(switches.shifts and number > 0)
        shown = [make(row) for row in rows[begin - repeated : begin + size]] if begin < len(rows) else []
        paging = {
            "total_count": len(rows) + switches.total_off,
            "start_offset": begin + 1 if shown else 0,
            "end_offset": begin + len(shown) - (repeated if shown else 0),
        }
        answer: Row = {"success": True, "data": {name: shown} if name else shown}
        if switches.paging == "inside" and name:
            answer["data"]["paging"] = paging
        elif switches.paging != "nowhere":
            answer["paging"] = paging
        return Said.json(200, answer)


def _bounds(query: dict[str, str]) -> tuple[datetime, datetime]:
    """Return the time that is asked for; to the millisecond, as times are told."""
    since, until = query.get("start_time", "0001-01-01T00:00:00Z"), query.get("end_time", "9999-12-31T00:00:00Z")
    return datetime.fromisoformat(since), datetime.fromisoformat(until) + timedelta(microseconds=999)
