"""Asks for everything about a session and puts the answers on the queue, page by page."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from vendor_api.answers import Row
from vendor_api.credentials import Credentials
from vendor_api.errors import NotThereError
from vendor_api.history import History, One
from workers.queue.delivery import Provider, new_delivery_id
from workers.queue.observation import Answers, Lookup, Observation, ObservedKind

Publish = Callable[[Answers], None]
"""Takes answers for the queue; `flush` returns once they are kept there."""

LIVE = "LIVE"
# A recording may be asked for shortly before the session's start is noted, and goes on for a day at most.
_AROUND = timedelta(hours=1)
# Bytes that a subject's id may have in the tables.
_LONGEST_ID = 255


@dataclass(slots=True)
class Told:
    """What was asked for and told so far.

    Attributes:
        sessions: sessions asked about.
        not_found: of these, those that the vendor does not know.
        observations: answers put on the queue.
        unreadable: rows without an id.
        without_times: rows of sessions and participants without a begin.
        without_links: recordings that have arrived, but whose file is gone.
    """

    sessions: int = 0
    not_found: int = 0
    observations: int = 0
    unreadable: int = 0
    without_times: int = 0
    without_links: int = 0


class Asker:
    """Asks about sessions. What it raises: `vendor_api.errors.VendorError`, `psycopg.Error`, `QueueAwayError`.

    Attributes:
        told: what was asked for and told so far.
        asked: the sessions that the vendor knew, in the order in which they were asked about.
    """

    def __init__(self, history: History, publish: Publish, flush: Callable[[], None] = lambda: None) -> None:
        """Do nothing yet.

        Args:
            history: of the vendor.
            publish: takes answers for the queue.
            flush: returns once all that was taken is there.
        """
        self._history = history
        self._publish = publish
        self.flush = flush
        self.told = Told()
        self.asked: dict[str, None] = {}

    def ask(self, credentials: Credentials, session_id: str, row: One | None = None) -> bool:
        """Ask about a session; return whether the vendor knows it.

        Args:
            credentials: whose it is.
            session_id: the session.
            row: what a list has just said of it.
        """
        try:
            one = row or self._history.session(credentials, session_id)
        except NotThereError:
            one = None
        if one is None:
            return False
        self.told.sessions += 1
        self.asked[session_id] = None
        is_ended = one.row.get("status") != LIVE
        observations = self._observed(credentials, ObservedKind.SESSION, session_id, [one.row], one.asked_at)
        participants: set[str] = set()
        for page in self._history.participants(credentials, session_id):
            rows = [item for item in page.rows if is_id(item.get("id"))]
            self.told.unreadable += len(page.rows) - len(rows)
            participants |= {str(item["id"]) for item in rows}
            # On a page the later row of a subject counts.
            once = {str(item["id"]): item for item in rows}.values()
            observations += self._observed(credentials, ObservedKind.PARTICIPANT, session_id, once, page.asked_at)
            if not page.is_last:
                self._publish(Answers(observations, []))
                observations = []
        lookup = Lookup(session_id, one.asked_at, is_found=True, is_ended=is_ended, participants=len(participants))
        self._publish(Answers(observations, [lookup]))
        return True

    def not_found(self, session_id: str, asked_at: datetime) -> None:
        """Note that the vendor does not know a session with any of the credentials."""
        self.told.sessions += 1
        self.told.not_found += 1
        lookup = Lookup(session_id, asked_at, is_found=False, is_ended=False, participants=0)
        self._publish(Answers([], [lookup]))

    def recordings_of(
        self, credentials: Credentials, meeting_id: str, started_at: datetime, ended_at: datetime | None
    ) -> None:
        """Ask for the recordings of a meeting in the time of a session."""
        until = None if ended_at is None else ended_at + _AROUND
        for page in self._history.recordings(credentials, started_at - _AROUND, until, meeting_id=meeting_id):
            self.publish_recordings(credentials, page.rows, page.asked_at)

    def publish_recordings(self, credentials: Credentials, rows: Iterable[Row], asked_at: datetime) -> None:
        """Put what a page says of recordings on the queue."""
        observations = self._observed(credentials, ObservedKind.RECORDING, None, rows, asked_at)
        if observations:
            self._publish(Answers(observations, []))

    def _observed(
        self,
        credentials: Credentials,
        kind: ObservedKind,
        session_id: str | None,
        rows: Iterable[Row],
        asked_at: datetime,
    ) -> list[Observation]:
        observations = []
        for row in rows:
            subject_id = session_id if kind is ObservedKind.SESSION else row.get("id")
            if not is_id(subject_id):
                self.told.unreadable += 1
                continue
            self._count_gaps(kind, row)
            named = row.get("session_id")
            organization = row.get("organization_id")
            observations.append(
                Observation(
                    new_delivery_id(asked_at),
                    asked_at,
                    Provider(credentials.dialect.value),
                    kind,
                    str(subject_id),
                    session_id or (str(named) if is_id(named) else None),
                    str(organization) if is_id(organization) else credentials.organization_id,
                    json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"),
                )
            )
        self.told.observations += len(observations)
        return observations

    def _count_gaps(self, kind: ObservedKind, row: Row) -> None:
        times = {ObservedKind.SESSION: "started_at", ObservedKind.PARTICIPANT: "joined_at"}
        if kind in times:
            self.told.without_times += not row.get(times[kind])
        elif row.get("status") == "UPLOADED":
            self.told.without_links += not row.get("download_url")


def is_id(value: object) -> bool:
    """Return whether a value can be the id of something."""
    return isinstance(value, str) and bool(value) and len(value.encode("utf-8", "replace")) <= _LONGEST_ID
