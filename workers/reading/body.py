r"""A parsed body: its JSON value, and what is stored of it.

`payload` is the text for the `jsonb` column. jsonb accepts less than JSON allows: no `\u0000`, no lone surrogate, no
number beyond its range. Such a body is stored as `raw` bytes instead. For duplicate names jsonb keeps the last
member, and so does the value that the facts are read from.
"""

import json
import math
from typing import Any, NoReturn

import msgspec

from workers.reading.stream_key import may_hold_stream_key, overwrite_stream_keys, without_stream_keys

# Below this size no number can exceed jsonb's digits: 131,072 before the point, 16,383 after it.
_PLAIN_SIZE = 16_000
_MOST_DIGITS = 4_000
_MOST_EXPONENT = 4_000
# Deeper bodies are not read: far below any stack limit, so that every process reads the same.
_DEEPEST = 200
_TOO_DEEP = f"the body is nested too deeply to be read (more than {_DEEPEST} levels)"


class OpenedBody(msgspec.Struct, frozen=True, gc=False):
    """A body and what is stored of it.

    Attributes:
        value: the decoded JSON without stream keys; None if it is not JSON (see `unreadable`).
        payload: JSON text for the jsonb column, without stream keys; None if jsonb can't hold it.
        raw: the bytes with stream keys overwritten, if jsonb can't hold the body.
        unreadable: why it can't be decoded; None if it can.
    """

    value: Any
    payload: str | None
    raw: bytes | None = None
    unreadable: str | None = None


def open_body(body: bytes) -> OpenedBody:
    """Decode arbitrary bytes as a body. Never raises."""
    if _is_plain(body):
        try:
            value, text = _decode_plain(body), body.decode()
        except (msgspec.MsgspecError, UnicodeDecodeError):
            pass
        else:
            return _without_stream_keys(value, text) if may_hold_stream_key(body.lower()) else OpenedBody(value, text)
    return _open_carefully(body)


def _is_plain(body: bytes) -> bool:
    """Return whether jsonb can hold a body if it is JSON without exponents."""
    return len(body) < _PLAIN_SIZE and b"\\u" not in body and body.count(b"[") + body.count(b"{") <= _DEEPEST


def _plain_float(digits: str) -> float:
    if "e" in digits or "E" in digits:
        raise ValueError(digits)
    return float(digits)


_decode_plain = msgspec.json.Decoder(float_hook=_plain_float).decode


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
        return _unreadable(body, _TOO_DEEP)
    except ValueError:
        return _unreadable(body, "the body is not JSON" if body.strip() else "the body is empty")
    depth, fits = _survey(value)
    if depth > _DEEPEST:
        return _unreadable(body, _TOO_DEEP)
    if beyond or not fits:
        kept, secrets = without_stream_keys(value)
        return OpenedBody(kept, None, overwrite_stream_keys(body, secrets))
    return _without_stream_keys(value, text)


def _without_stream_keys(value: Any, text: str) -> OpenedBody:
    kept, _ = without_stream_keys(value)
    return OpenedBody(kept, text if kept is value else json.dumps(kept, ensure_ascii=False))


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


def _survey(value: Any) -> tuple[int, bool]:
    """Return a value's nesting depth, up to one above the limit, and whether jsonb can hold what was visited."""
    depth, fits = 0, True
    level = [value]
    while level and depth <= _DEEPEST:
        depth += any(isinstance(one, dict | list) for one in level)
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
                fits = fits and all(map(fits_text, one))
            elif isinstance(one, list):
                inner += one
            elif isinstance(one, str):
                fits = fits and fits_text(one)
            elif isinstance(one, float):
                fits = fits and math.isfinite(one)
        level = inner
    return depth, fits


def fits_text(text: str) -> bool:
    """Return whether Postgres can hold a text: no NUL, no lone surrogate."""
    if "\x00" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
