"""Reads which sessions somebody was in whose id, or name, starts with a text.

Such a start may fit one person, or all that there are. If it fits few connections, their sessions are looked up by id,
of all time. If it fits many, the latest sessions of a range are looked through; if these have too few, those of the
whole range are looked up by id; and where these are many again, all are looked through.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

from console.queries.conditions import LAST_CHARACTER, Range
from console.queries.session_filter import SessionFilter
from console.queries.tables import Tables

# By bytes, as the indexes have it, and so that any plan can use them; LIKE only one for a pattern that it knows.
_IS_SO_CALLED: LiteralString = "p.custom_participant_id ~>=~ %(person)s AND p.custom_participant_id ~<~ %(beyond)s"
_IS_SO_NAMED: LiteralString = """
    lower(p.display_name) ~>=~ lower(%(person)s::text) AND lower(p.display_name) ~<~ lower(%(beyond)s::text)"""
_IS_SO: LiteralString = f"(({_IS_SO_CALLED}) OR ({_IS_SO_NAMED}))"
HAS_PERSON: LiteralString = (
    "EXISTS (SELECT FROM rollcall.participants AS p WHERE p.session_id = s.id AND " + _IS_SO + ")"
)
_OF_WHOM: LiteralString = "(SELECT p.session_id FROM rollcall.participants AS p WHERE "
_FOUND: LiteralString = "SELECT count(*) AS number, array_agg(DISTINCT session_id) AS ids FROM "
_MOST: LiteralString = " LIMIT %(most)s)"
_EVER: LiteralString = (
    _FOUND + "(" + _OF_WHOM + _IS_SO_CALLED + _MOST + " UNION ALL " + _OF_WHOM + _IS_SO_NAMED + _MOST + ") AS found"
)
# The index of joins tells which part of the table is of that time, so that only what is in both is read.
_JOINED: LiteralString = " AND (p.joined_at IS NULL OR (p.joined_at >= %(since)s AND p.joined_at < %(until)s))"
_WITHIN: LiteralString = _FOUND + _OF_WHOM + _IS_SO + _JOINED + _MOST + " AS found"
_PLAIN = {"number", "ids"}
_MOST_EVER, _MOST_WITHIN = 5_000, 20_000
# How long before or after the start of its session a connection may begin.
_BEFORE, _AFTER = timedelta(days=1), timedelta(days=31)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)


def person_values(tables: Tables, start: str) -> dict[str, str]:
    """Return the values of `HAS_PERSON`.

    Raises:
        HiddenFilterError: the reader may not see people.
    """
    tables.must_show("participants", "custom_participant_id")
    tables.must_show("participants", "display_name")
    return {"person": start, "beyond": start + LAST_CHARACTER}


def narrowed(tables: Tables, chosen: SessionFilter) -> SessionFilter:
    """Return a filter with the ids of the sessions of all time that the person it names was in, if these are few.

    Raises:
        HiddenFilterError: the reader may not see people.
    """
    if chosen.person is None:
        return chosen
    ids = _few(tables, _EVER, person_values(tables, chosen.person), _MOST_EVER)
    return chosen if ids is None else replace(chosen, among=ids)


def sessions_within(tables: Tables, person: str, started: Range) -> list[str] | None:
    """Return the ids of the sessions of a range that somebody was in whose id or name starts so; None if very many.

    Some of them may be of shortly before or after it.

    Raises:
        HiddenFilterError: the reader may not see people.
    """
    values = {
        **person_values(tables, person),
        "since": "-infinity" if started.since is None else started.since - _BEFORE,
        # As far as there are such times.
        "until": "infinity" if started.until is None else min(started.until, _LAST) + _AFTER,
    }
    return _few(tables, _WITHIN, values, _MOST_WITHIN)


def _few(tables: Tables, statement: LiteralString, values: dict[str, Any], most: int) -> list[str] | None:
    """Return the sessions of the connections that are found, unless these are more than `most`."""
    [row] = tables.rows(statement, {**values, "most": most + 1}, _PLAIN)
    return None if row["number"] > most else sorted(row["ids"] or [])
