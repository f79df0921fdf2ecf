"""Reads observations: what the vendor's API said about a session, a participant or a recording."""

from typing import LiteralString
from uuid import UUID

from console.queries.tables import Row, Tables

_ONE: LiteralString = """
    SELECT id, source, kind, subject_id, session_id, organization_id, meeting_id, observed_at, confirmed_at,
        encode(body_sha256, 'hex') AS body_sha256, error, payload, raw
    FROM rollcall.observations WHERE id = %(id)s"""
_LISTED: LiteralString = """
    SELECT id, source, kind, subject_id, observed_at, confirmed_at, error FROM rollcall.observations"""
_OF_SUBJECT: LiteralString = " WHERE kind = %(kind)s AND subject_id = %(subject)s ORDER BY id DESC LIMIT %(limit)s"
_OF_SESSION: LiteralString = """
    WHERE session_id = %(session)s AND (%(before)s::uuid IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s"""
# The entries of a session are found by it, others by their subject: neither needs an index of observations.
_ENTRIES: LiteralString = """
    SELECT session_id, occurred_at, kind, subject_id FROM rollcall.timeline
    WHERE observation_id = %(id)s AND source = 'api' AND """
_BY_TIME: LiteralString = " ORDER BY occurred_at, kind, subject_id"


def observation_with(tables: Tables, observation_id: UUID) -> Row | None:
    """Return an observation; None if there is none of this id."""
    found = tables.rows(_ONE, {"id": observation_id}, {"body_sha256"})
    return found[0] if found else None


def observations_of_subject(tables: Tables, observation: Row, limit: int) -> list[Row]:
    """Return the observations of the same subject, latest first."""
    values = {"kind": observation["kind"], "subject": observation["subject_id"], "limit": limit}
    return tables.rows(_LISTED + _OF_SUBJECT, values)


def observations_of_session(tables: Tables, session_id: str, limit: int, before: UUID | None = None) -> list[Row]:
    """Return the observations of a session, latest first.

    Args:
        tables: where.
        session_id: the session.
        limit: how many at most.
        before: where the page before ended.
    """
    return tables.rows(_LISTED + _OF_SESSION, {"session": session_id, "before": before, "limit": limit})


def entries_observed(tables: Tables, observation: Row) -> list[Row]:
    """Return the timeline's entries that stand on an observation."""
    values = {"id": observation["id"], "session": observation["session_id"], "subject": observation["subject_id"]}
    of_whom: LiteralString = "subject_id = %(subject)s" if values["session"] is None else "session_id = %(session)s"
    return tables.rows(_ENTRIES + of_whom + _BY_TIME, values)
