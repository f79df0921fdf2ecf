"""The kept observations: every answer of the vendor's API that was new or had changed is a row of `observations`.

Of one subject the last one counts, whole.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from workers.queue.observation import Observation, ObservedKind
from workers.reading.observations import ObservationReading, read_observation
from workers.reading.observed_facts import ObservedFacts
from workers.tables.arrays import Cursor, write_columns

_KEEP = """
INSERT INTO rollcall.observations (
    id, source, kind, subject_id, session_id, organization_id, meeting_id, observed_at, confirmed_at, body_sha256,
    error, payload, raw)
SELECT id, source, kind, subject_id, session_id, organization_id, meeting_id, observed_at, observed_at, body_sha256,
    error, payload::jsonb, raw
FROM unnest(
    %b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::bytea[],
    %b::text[], %b::text[], %b::bytea[]) AS new (
    id, source, kind, subject_id, session_id, organization_id, meeting_id, observed_at, body_sha256,
    error, payload, raw)
"""
_CONFIRM = """
UPDATE rollcall.observations AS known SET confirmed_at = greatest(known.confirmed_at, new.confirmed_at)
FROM unnest(%b::uuid[], %b::timestamptz[]) AS new (id, confirmed_at)
WHERE known.id = new.id
"""
_COLUMNS = """
SELECT last.id, last.kind, last.subject_id, last.session_id, last.organization_id, last.observed_at, last.confirmed_at,
    last.body_sha256, last.payload::text, last.raw
"""
# LATERAL looks the subjects up one by one. SELECT hides the arrays' lengths from the planner, so it settles on a
# generic plan.
_LAST = f"""{_COLUMNS}
FROM unnest((SELECT %b::text[]), (SELECT %b::text[]), (SELECT %b::text[])) AS subject (kind, id, session_id), LATERAL (
    SELECT * FROM rollcall.observations AS observation
    WHERE observation.kind = subject.kind AND observation.subject_id = subject.id
        AND (subject.session_id = '' OR observation.session_id = subject.session_id)
    ORDER BY observation.id DESC LIMIT 1) AS last
"""  # noqa: S608 - our own
_OF_RECORDINGS = f"""{_COLUMNS}
FROM rollcall.observations AS last
WHERE last.kind = 'recording' AND last.subject_id = ANY(%b::text[])
ORDER BY last.id
"""
_OF_SESSIONS = f"""{_COLUMNS}
FROM rollcall.observations AS last
WHERE last.session_id = ANY(%b::text[])
ORDER BY last.id
"""
_OF_MEETING = f"""{_COLUMNS}
FROM rollcall.observations AS last
WHERE last.kind = 'session' AND last.meeting_id = %s
ORDER BY last.id
"""
_NAMES_ORGANIZATION = """
SELECT id FROM rollcall.observations WHERE organization_id = %s ORDER BY id DESC LIMIT 1
"""
_WITHOUT_DELIVERIES = """
SELECT DISTINCT session_id FROM rollcall.observations AS observation
WHERE session_id IS NOT NULL AND session_id > %s
    AND NOT EXISTS (SELECT FROM rollcall.deliveries WHERE session_id = observation.session_id)
ORDER BY session_id LIMIT %s
"""


Subject = tuple[str, str, str]
"""What an observation is about: the kind, the id and, for a participant, the session."""


def subject_of(kind: str, subject_id: str, session_id: str | None) -> Subject:
    """Return what an observation is about."""
    return kind, subject_id, session_id or "" if kind == ObservedKind.PARTICIPANT else ""


class StoredObservation(msgspec.Struct, frozen=True, gc=False):
    """A kept observation, with what is needed to read it again."""

    id: UUID
    kind: str
    subject_id: str
    session_id: str | None
    organization_id: str | None
    observed_at: datetime
    confirmed_at: datetime
    digest: bytes
    payload: str | None
    raw: bytes | None

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return subject_of(self.kind, self.subject_id, self.session_id)

    def read(self) -> ObservationReading:
        """Read it again."""
        body = self.payload.encode() if self.payload is not None else self.raw or b""
        return read_observation(ObservedKind(self.kind), self.subject_id, body, self.observed_at)

    def facts(self) -> ObservedFacts:
        """Return what it states; nothing if it can't be read."""
        return self.read().facts or ObservedFacts()


class KeptObservation(msgspec.Struct, frozen=True, gc=False):
    """An observation and what was read from it, on its way into the table."""

    observation: Observation
    reading: ObservationReading

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return subject_of(self.observation.kind, self.observation.subject_id, self.observation.session_id)

    @property
    def facts(self) -> ObservedFacts:
        """What it states; nothing if it can't be read."""
        return self.reading.facts or ObservedFacts()


def keep(cursor: Cursor, kept: Sequence[KeptObservation]) -> None:
    """Write observations. Their subjects are locked, and none of them is there."""
    if not kept:
        return
    rows = [
        (
            one.observation.id,
            one.observation.source.value,
            one.observation.kind.value,
            one.observation.subject_id,
            one.observation.session_id,
            one.observation.organization_id,
            one.facts.session.meeting_id if one.facts.session is not None else None,
            one.observation.observed_at,
            one.reading.digest,
            one.reading.error,
            one.reading.payload,
            one.reading.raw,
        )
        for one in kept
    ]
    write_columns(cursor, _KEEP, list(zip(*rows, strict=True)))


def confirm(cursor: Cursor, confirmed: Iterable[tuple[UUID, datetime]]) -> None:
    """Note that the API said the same again, at these times."""
    rows = list(confirmed)
    if rows:
        write_columns(cursor, _CONFIRM, list(zip(*rows, strict=True)))


def last_of(cursor: Cursor, subjects: Iterable[Subject]) -> dict[Subject, StoredObservation]:
    """Return the last observation of each subject that has one."""
    wanted = sorted(set(subjects))
    if not wanted:
        return {}
    values = [list(column) for column in zip(*wanted, strict=True)]
    found = _rows(cursor.execute(_LAST, values, prepare=True))
    return {one.subject: one for one in found}


def of_recordings(cursor: Cursor, recording_ids: Sequence[str]) -> list[StoredObservation]:
    """Return all observations of recordings, ordered by id."""
    return _rows(cursor.execute(_OF_RECORDINGS, [list(recording_ids)], prepare=True))


def of_sessions(cursor: Cursor, session_ids: Sequence[str]) -> list[StoredObservation]:
    """Return all observations that name sessions, ordered by id."""
    return _rows(cursor.execute(_OF_SESSIONS, [list(session_ids)], prepare=True))


def of_meeting(cursor: Cursor, meeting_id: str) -> list[StoredObservation]:
    """Return the observations of a meeting's sessions, ordered by id. Reads the whole table."""
    return _rows(cursor.execute(_OF_MEETING, [meeting_id]))


def naming_organization(cursor: Cursor, organization_id: str) -> UUID | None:
    """Return the last observation that belongs to an organization, if any. Reads the whole table."""
    row = cursor.execute(_NAMES_ORGANIZATION, [organization_id]).fetchone()
    return row[0] if row else None


def sessions_without_deliveries(cursor: Cursor, after: str, most: int) -> list[str]:
    """Return the first sessions after `after`, in order, that observations name and deliveries don't."""
    return [session_id for (session_id,) in cursor.execute(_WITHOUT_DELIVERIES, [after, most]).fetchall()]


def _rows(cursor: Cursor) -> list[StoredObservation]:
    return [StoredObservation(*row) for row in cursor.fetchall()]
