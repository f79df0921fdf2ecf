"""What people ask the web console for: each page and filter, with values drawn from the database that is measured."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import psycopg

# Milliseconds, for the 95th percentile, and bytes before compression.
LIST_MS, SESSION_MS, USAGE_MS, SESSION_BYTES = 150.0, 300.0, 500.0, 400_000
_DAY = timedelta(days=1)
_STEP = 37  # no multiple of what the rows repeat with


@dataclass(frozen=True, slots=True)
class Ask:
    """One kind of question.

    Attributes:
        page: the page's address, its parts in capitals.
        what: the filter.
        paths: addresses to ask for, each as likely.
        most_ms: the bound for the 95th percentile; None if there is none.
        most_bytes: the bound for the size of a page; None if there is none.
    """

    page: str
    what: str
    paths: Sequence[str]
    most_ms: float | None = LIST_MS
    most_bytes: int | None = None


class Questions:
    """Draws values from a database that `benchmarks.populate --more` filled."""

    def __init__(self, connection: psycopg.Connection[Any], draws: int) -> None:
        """Draw from a database.

        Args:
            connection: to it.
            draws: how many values of each kind.
        """
        self._connection = connection
        self._draws = draws
        self._now = datetime.now(UTC)
        self._sessions = self._rows(
            "SELECT id, started_at, meeting_id, organization_id FROM rollcall.sessions TABLESAMPLE BERNOULLI (5) "
            f"REPEATABLE (1) WHERE started_at IS NOT NULL ORDER BY md5(id) LIMIT {draws}"
        )
        self._deliveries = self._rows(
            "SELECT id, received_at, session_id FROM rollcall.deliveries TABLESAMPLE SYSTEM (1) REPEATABLE (1) "
            f"WHERE session_id IS NOT NULL ORDER BY md5(id::text) LIMIT {draws}"
        )

    def all(self) -> Iterator[Ask]:
        """Yield all kinds of questions."""
        yield Ask("/", "", ["/"])
        yield from self._of_sessions()
        yield from self._of_deliveries()
        yield from self._of_single()
        yield from self._of_usage()
        yield from self._of_recordings()
        yield from self._of_automations()
        yield Ask("/health", "", ["/health"])

    def clicks(self) -> list[str]:
        """Return the addresses that people click through: a list, a session from it, a person, a delivery."""
        asks = [*self._of_sessions(), *self._of_deliveries(), *self._of_single(), *self._of_automations()]
        return ["/", *(path for ask in asks for path in ask.paths[:2])]

    def _of_sessions(self) -> Iterator[Ask]:
        ask = self._asker("/sessions")
        yield ask("newest", [{}])
        yield ask("deep page", [{"after": f"s~{row[1].isoformat()}~{row[0]}"} for row in self._sessions])
        yield ask("a day", [self._days(row[1], 1) for row in self._sessions])
        yield ask("a quarter", [self._days(row[1], 90) for row in self._sessions])
        yield ask("organization", [{"organization": row[3]} for row in self._sessions])
        yield ask("organization, deep", [
            {"organization": row[3], "after": f"s~{row[1].isoformat()}~{row[0]}"} for row in self._sessions
        ])  # fmt: skip
        yield ask("meeting", [{"meeting": row[2]} for row in self._sessions])
        yield ask("custom id", [{"person": f"student-{n}"} for n in self._numbers(60_000)])
        yield ask("custom id, prefix", [{"person": f"student-{n}"} for n in self._numbers(600)])
        yield ask("custom id, short prefix", [{"person": text} for text in ("student-1", "student-", "stu")])
        yield ask("name", [{"person": f"Student {n}"} for n in self._numbers(60_000)])
        yield ask("name, prefix", [{"person": f"student {n}"} for n in self._numbers(600)])
        yield ask("name, short prefix", [{"person": text} for text in ("student 1", "Student", "s")])
        yield ask("nobody's name", [{"person": "zebedee"}, {"person": "zz-1"}])
        yield ask("person, a quarter", [
            {"person": f"student-{n}", **self._days(row[1], 90)}
            for n, row in zip(self._numbers(600), self._sessions, strict=False)
        ])  # fmt: skip
        yield ask("title words", [{"title": f"lesson {n % 40} {n}"} for n in self._numbers(997)])
        yield ask("title, no match", [{"title": "chemistry"}])
        yield ask("id prefix", [{"id": row[0][:8]} for row in self._sessions])
        yield ask("short id prefix", [{"id": row[0][:2]} for row in self._sessions])
        yield ask("live", [{"status": "live"}])
        yield ask("ended", [{"status": "ended"}])
        yield ask("inferred leaves", [{"inferred": "1"}])
        yield ask("set-aside", [{"set_aside": "1"}])
        yield ask("set-aside, a quarter", [{"set_aside": "1", **self._days(row[1], 90)} for row in self._sessions])
        yield ask("live, title, person", [{"status": "live", "title": "lesson 7", "person": "student 1"}])

    def _of_deliveries(self) -> Iterator[Ask]:
        ask = self._asker("/deliveries")
        yield ask("newest", [{}])
        yield ask("deep page", [{"after": row[0]} for row in self._deliveries])
        for status in ("processed", "repeat", "unknown", "foreign", "quarantined"):
            yield ask(status, [{"status": status}])
        yield ask("quarantined, deep", [{"status": "quarantined", "after": row[0]} for row in self._deliveries])
        events = ("meeting.started", "meeting.participantJoined", "recording.statusUpdate", "meeting.pollCreated")
        yield ask("event", [{"event": event} for event in events])
        yield ask("event, no match", [{"event": "livestreaming.statusUpdate"}, {"event": "meeting.nothing"}])
        yield ask("event, a day", [{"event": events[0], **self._days(row[1], 1)} for row in self._deliveries])
        yield ask("session", [{"session": row[2]} for row in self._deliveries])
        yield ask("session and status", [{"session": row[2], "status": "repeat"} for row in self._deliveries])
        yield ask("an hour", [
            {"from": row[1].isoformat(), "to": (row[1] + timedelta(hours=1)).isoformat()} for row in self._deliveries
        ])  # fmt: skip
        yield ask("error text", [{"error": text} for text in ("endedAt", "not known", "WEBHOOK_IDS")])
        yield ask("error text, no match", [{"error": "fire"}])
        yield ask("error text, a quarter", [{"error": "fire", **self._days(row[1], 90)} for row in self._deliveries])
        yield ask("id", [{"id": row[0]} for row in self._deliveries])
        yield ask("id prefix", [{"id": str(row[0])[:8]} for row in self._deliveries])

    def _of_single(self) -> Iterator[Ask]:
        numbers = self._numbers(60_000)
        yield Ask("/people/ID", "", [f"/people/student-{n}" for n in numbers])
        yield Ask("/people/ID", "a quarter", [
            f"/people/student-{n}?{urlencode(self._days(row[1], 90))}"
            for n, row in zip(numbers, self._sessions, strict=False)
        ])  # fmt: skip
        yield Ask("/meetings/ID", "", [f"/meetings/{quote(row[2])}" for row in self._sessions])
        yield Ask("/deliveries/ID", "", [f"/deliveries/{row[0]}" for row in self._deliveries])
        yield Ask(
            "/sessions/ID", "as drawn", [f"/sessions/{row[0]}" for row in self._sessions], SESSION_MS, SESSION_BYTES
        )
        for connections, bytes_ in ((500, SESSION_BYTES), (1000, None)):
            paths = [f"/sessions/{id_}" for id_ in self._of_size(connections)]
            yield Ask("/sessions/ID", f"{connections} connections", paths, SESSION_MS if bytes_ else None, bytes_)

    def _of_usage(self) -> Iterator[Ask]:
        ask = self._asker("/usage", USAGE_MS)
        year = self._days(self._now - 365 * _DAY, 365)
        for unit in ("day", "week", "month"):
            yield ask(f"a year by {unit}", [{"unit": unit, **year}])
        organizations = sorted({row[3] for row in self._sessions})
        yield ask("a year, organization", [{**year, "unit": "month", "organization": one} for one in organizations])
        yield ask("31 days", [{}])
        yield ask("92 days, New York", [{**self._days(self._now - 91 * _DAY, 91), "tz": "America/New_York"}])

    def _of_recordings(self) -> Iterator[Ask]:
        ask = self._asker("/recordings")
        yield ask("newest", [{}])
        for arrival in ("arrived", "missing", "running"):
            yield ask(arrival, [{"arrival": arrival}])
        yield ask("range", [self._days(row[1], 7) for row in self._sessions])

    def _of_automations(self) -> Iterator[Ask]:
        ask = self._asker("/automations")
        endpoints = ("ep_everything", "ep_sessions", "ep_recordings")
        yield ask("newest", [{}])
        [(most,)] = self._rows("SELECT coalesce(max(position), 1) FROM rollcall.messages")
        yield ask("deep page", [{"after": f"{most * n // 1000 + 1}~"} for n in self._numbers(1000)])
        yield ask("endpoint", [{"endpoint": one} for one in endpoints])
        for status in ("delivered", "held", "given_up", "pending"):
            yield ask(status, [{"status": status}])
        yield ask("endpoint and status", [{"endpoint": one, "status": "given_up"} for one in endpoints])
        yield ask("type", [{"type": one} for one in ("session.ended", "session.*", "recording.*", "*")])
        yield ask("type, no match", [{"type": "delivery.quarantined"}, {"type": "livestream.*"}])
        yield ask("endpoint and type", [{"endpoint": one, "type": "recording.*"} for one in endpoints])
        recent = self._rows(
            "SELECT session_id FROM rollcall.messages TABLESAMPLE SYSTEM (1) REPEATABLE (1) "
            f"WHERE session_id IS NOT NULL ORDER BY md5(id) LIMIT {self._draws}"
        )
        yield ask("session", [{"session": row[0]} for row in recent])

    def _asker(self, page: str, most_ms: float = LIST_MS) -> Callable[[str, Sequence[dict[str, Any]]], Ask]:
        def ask(what: str, queries: Sequence[dict[str, Any]]) -> Ask:
            return Ask(page, what, [f"{page}?{urlencode(query)}" if query else page for query in queries], most_ms)

        return ask

    def _days(self, since: datetime, days: int) -> dict[str, Any]:
        return {"from": since.date(), "to": (since + days * _DAY).date()}

    def _numbers(self, below: int) -> list[int]:
        return [(n * _STEP * below // (_STEP * self._draws) + _STEP) % below for n in range(self._draws)]

    def _of_size(self, connections: int) -> list[str]:
        rows = self._rows(
            "SELECT s.id FROM rollcall.sessions AS s JOIN rollcall.lookups AS l ON l.session_id = s.id "
            f"WHERE l.participants = {connections} ORDER BY md5(s.id) LIMIT {self._draws}"
        )
        return [row[0] for row in rows]

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement.encode()).fetchall()
