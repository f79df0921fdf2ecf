"""Values of a body: which JSON, texts and times can be read, and which of them Postgres can hold."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:(Z)|([+-])(\d\d):?(\d\d))", re.ASCII
)
_NUMERIC_DIGITS = 131_072


def parse(body: bytes) -> Any:
    """Return the JSON value of a body; ValueError when it is none."""

    def no_constant(name: str) -> Any:
        raise ValueError(name)

    try:
        return json.loads(body.decode("utf-8"), parse_constant=no_constant, parse_float=Decimal)
    except RecursionError:
        raise ValueError("nested too deep") from None


def holdable(text: str) -> bool:
    """Tell whether Postgres can hold a text: no NUL, no lone surrogate."""
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)


def jsonb_holds(value: Any) -> bool:
    """Tell whether jsonb can hold a JSON value whole."""
    if isinstance(value, str):
        return holdable(value)
    if isinstance(value, Decimal):
        return not value or -16_000 < value.adjusted() < _NUMERIC_DIGITS
    if isinstance(value, dict):
        return all(holdable(key) and jsonb_holds(item) for key, item in value.items())
    if isinstance(value, list):
        return all(jsonb_holds(item) for item in value)
    return True


def without_stream_keys(value: Any) -> Any:
    """Return a JSON value without any `streamKey`, numbers as plain Python ones."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: without_stream_keys(item) for key, item in value.items() if key != "streamKey"}
    if isinstance(value, list):
        return [without_stream_keys(item) for item in value]
    return value


def instant(text: str) -> datetime | None:
    """Return the moment that an ISO 8601 text with an offset names, UTC; None when it can't be read."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    *date, fraction, zulu, sign, hours, minutes = match.groups()
    try:
        local = datetime(*map(int, date), int((fraction or "0").ljust(6, "0")), tzinfo=UTC)  # type: ignore[arg-type,misc]
        if zulu:
            return local
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return local - offset if sign == "+" else local + offset
    except (ValueError, OverflowError):
        return None
