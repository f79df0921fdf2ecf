"""Postgres error messages without the values they quote.

The server quotes the offending value, and a trigger's message may contain any column of a row. Bodies are personal data
and stay out of logs. Names of tables, columns and constraints are kept: they say what to fix. DETAIL and CONTEXT, which
contain whole rows, are never used.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import psycopg

from runtime.database_errors import Cause, cause_of

_CUT = "…"
# Characters.
_LONGEST = 300
# The C function the server reports when the message comes from a RAISE.
_RAISED = "exec_stmt_raise"

# Quotation marks in the server's languages. An apostrophe within a word is not one.
_QUOTED = re.compile(r"""(?<!\w)'([^']*)'(?!\w)|"([^"]*)"|«([^»]*)»|„([^“”]*)[“”]|“([^”]*)”|\u2018([^\u2019]*)\u2019""")
# A value may contain a quotation mark itself: match from the first to the last.
_QUOTED_AT_LENGTH = re.compile(r'".*"', re.DOTALL)
_WORD = re.compile(r"\w+")
_WITH_DIGITS = re.compile(r"\S*\d\S*")


def message_without_values(error: psycopg.Error, bodies: Iterable[bytes] = ()) -> str:
    """Return the first line of the server's or driver's message.

    Args:
        error: the exception.
        bodies: the bodies being written; the result contains none of their values.
    """
    if error.sqlstate is None:
        # The driver quotes parts of a malformed URL, possibly the password.
        is_of_connection = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        said = _first_line(str(error)) if is_of_connection else ""
        return _QUOTED.sub(_CUT, said)[:_LONGEST] or type(error).__name__
    of = error.diag
    said = _first_line(of.message_primary or type(error).__name__)
    names = {of.schema_name, of.table_name, of.column_name, of.constraint_name, of.datatype_name} - {None}
    values = {value for value in _values(bodies) if value not in names}
    is_raised = of.source_function == _RAISED
    if is_raised or cause_of(error) is Cause.DATA:
        said = _QUOTED_AT_LENGTH.sub(_CUT, said) if not names else said
        said = _QUOTED.sub(lambda quoted: quoted.group() if _inner(quoted) in names else _CUT, said)
    else:
        said = _QUOTED.sub(lambda quoted: _CUT if _stands_in(_inner(quoted), values) else quoted.group(), said)
    said = _without(said, values)
    if is_raised:
        # It may also contain part of a value, or the value in another form.
        words = {word.casefold() for value in values for word in _WORD.findall(value)}
        said = _WORD.sub(lambda word: _CUT if word.group().casefold() in words else word.group(), said)
        said = _WITH_DIGITS.sub(_CUT, said)
    return said[:_LONGEST]


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else ""


def _inner(quoted: re.Match[str]) -> str:
    return next((part for part in quoted.groups() if part is not None), "")


def _stands_in(part: str, values: Iterable[str]) -> bool:
    if not part.strip():
        return False
    as_words = _as_words(part)
    folded = part.casefold()
    return any(folded in value.casefold() and as_words.search(value) for value in values)


def _without(said: str, values: Iterable[str]) -> str:
    for value in sorted(values, key=len, reverse=True):
        if value.casefold() in said.casefold():
            said = _as_words(value).sub(_CUT, said)
    return said


def _as_words(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", re.IGNORECASE)


def _values(bodies: Iterable[bytes]) -> Iterator[str]:
    """Yield the strings and numbers in the bodies, without the names of their fields."""
    for body in bodies:
        try:
            yield from _leaves(msgspec.json.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield from body.decode(errors="replace").split()


def _leaves(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str) and one.strip():
            yield one.strip()
        elif isinstance(one, int | float) and not isinstance(one, bool):
            yield str(one)
