"""What Postgres says of an error, without the values that it says it about.

A server quotes what it objects to, and a trigger's own message may hold any column of a row: bodies are personal data
and stay out of logs. Names of tables, columns and constraints stay, as without them nobody knows what to repair. DETAIL
and CONTEXT, which hold whole rows, are never looked at.
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
# Where the server's C code says that the message is not its own but that of a RAISE.
_RAISED = "exec_stmt_raise"

# As the server writes quotation marks in its languages. An apostrophe within a word is none.
_QUOTED = re.compile(r"""(?<!\w)'([^']*)'(?!\w)|"([^"]*)"|«([^»]*)»|„([^“”]*)[“”]|“([^”]*)”|\u2018([^\u2019]*)\u2019""")
# A value may itself hold a quotation mark: from the first to the last.
_QUOTED_AT_LENGTH = re.compile(r'".*"', re.DOTALL)
_WORD = re.compile(r"\w+")
_WITH_DIGITS = re.compile(r"\S*\d\S*")


def message_without_values(error: psycopg.Error, bodies: Iterable[bytes] = ()) -> str:
    """Return the first line of what the server, or the driver, says.

    Args:
        error: that was raised.
        bodies: that were being written; none of what they state is in the answer.
    """
    if error.sqlstate is None:
        # Of a wrong URL the driver quotes parts, and those may be a password.
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
        # It may hold a part of a value, too, or one in another form.
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
    """Yield what bodies state: their texts and numbers, not the names of their fields."""
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
