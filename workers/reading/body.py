r"""A body, opened: its JSON value, and what of it is stored.

`payload` is the text for the `jsonb` column. jsonb holds less than JSON allows: no `\u0000`, no lone surrogate, no
number beyond its range, no nesting beyond the server's stack. Such a body is stored as `raw` bytes instead. Of two
members of one name jsonb keeps the last, and so does the value that the facts are read from.
"""

import json
import math
from typing import Any, NoReturn

import msgspec

from workers.reading.stream_key import may_hold_stream_key, overwrite_stream_keys, without_stream_keys

# Below this size no number can have more digits than jsonb takes (131,072 before the point, 16,383 behind it),
# and nothing can nest deeper than the server's stack.
_PLAIN_SIZE = 16_000
_MOST_DIGITS = 4_000
_MOST_EXPONENT = 4_000
_DEEPEST = 500


class OpenedBody(msgspec.Struct):
    """A body and what is stored of it.

    Attributes:
        value: the decoded JSON, or None where it is none (see `unreadable`).
        payload: JSON text for the jsonb column, without stream keys; None where jsonb can't hold it.
        raw: the bytes, stream keys overwritten, where jsonb can't hold the body.
        unreadable: why it is not JSON; None where it is.
    """

    value: Any
    payload: str | None
    raw: bytes | None = None
    unreadable: str | None = None


def open_body(body: bytes) -> OpenedBody:
    """Decode a body of any bytes. Never raises."""
    if len(body) < _PLAIN_SIZE and b"\\u" not in body and not may_hold_stream_key(body.lower()):
        try:
            return OpenedBody(msgspec.json.decode(body), body.decode())
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
    return _open_carefully(body)


def _open_carefully(body: bytes) -> OpenedBody:
    beyond: list[str] = []
    try:
        text = body.decode()
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=lambda digits: _number(digits, beyond),
            parse_float=lambda digits: _number(digits, beyond),
        )
    except UnicodeDecodeError:
        return _unreadable(body, "the body is not UTF-8")
    except RecursionError:
        return _unreadable(body, "the body is nested too deeply to be read")
    except ValueError:
        return _unreadable(body, "the body is not JSON" if body.strip() else "the body is empty")
    if beyond or not _fits_jsonb(value, 0):
        return OpenedBody(value, None, overwrite_stream_keys(body))
    kept, had_stream_key = without_stream_keys(value)
    return OpenedBody(kept, json.dumps(kept, ensure_ascii=False) if had_stream_key else text)


def _unreadable(body: bytes, why: str) -> OpenedBody:
    return OpenedBody(None, None, overwrite_stream_keys(body), why)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _number(digits: str, beyond: list[str]) -> int | float:
    if len(digits) > _MOST_DIGITS:
        beyond.append(digits[:20])
        return math.inf
    if digits.lstrip("-").isdigit():
        return int(digits)
    exponent = digits.lower().partition("e")[2]
    if exponent and (len(exponent) > len(str(_MOST_EXPONENT)) + 1 or abs(int(exponent)) > _MOST_EXPONENT):
        beyond.append(digits[:20])
    return float(digits)


def _fits_jsonb(value: Any, depth: int) -> bool:
    if depth > _DEEPEST:
        return False
    if isinstance(value, str):
        return fits_text(value)
    if isinstance(value, dict):
        return all(fits_text(name) and _fits_jsonb(inner, depth + 1) for name, inner in value.items())
    if isinstance(value, list):
        return all(_fits_jsonb(inner, depth + 1) for inner in value)
    return not (isinstance(value, float) and not math.isfinite(value))


def fits_text(text: str) -> bool:
    """Tell whether Postgres can hold a text: no NUL, no lone surrogate."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
