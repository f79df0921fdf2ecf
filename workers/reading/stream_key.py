"""Removes stream keys from everything that is stored of a body.

Anyone who has a livestream's `streamKey` can broadcast in the customer's name.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

STARS = "***"

# Shorter values are cut with their name, but not searched for in other texts: they would match parts of words.
_LEAST_LENGTH_TO_SEARCH = 6
# An event has one; a body with thousands must not take minutes.
_MOST_TO_SEARCH = 100
# A JSON name that may be the right one, each character possibly written as \u and four digits. Bounded and possessive:
# a body of nothing but quotes must not take quadratic time.
_NAME = r"((?=[sS_]|\\u00[57][3fF])(?:[^\"\\]|\\.){9,80}+)"
_NAME_AND_COLON = re.compile(rf'"{_NAME}"\s*+:\s*+')
_ANY_NAME_AND_COLON = re.compile(rf"""["']{_NAME.replace("^", "^'")}["']\s*+:\s*+""")
_QUOTES = r"(?:\\u00(?:2[027]|5c)|[\"'\s\\])*+"
_COLON = r"(?:\\u003[ad]|[:=])"
_VALUE = r"([^\"'\s,}&\\]+)"
# JSON, or something like it, inside a text: `stopReason` is an object written with single quotes.
_IN_TEXT = re.compile(rf"(?i)(stream_?key{_QUOTES}{_COLON}{_QUOTES}){_VALUE}")
_IN_BROKEN_JSON = re.compile(rf"(?i)(stream_?key(?:{_COLON}|{_QUOTES[:-2]})*+){_VALUE}")
_decoder = json.JSONDecoder()


def may_hold_stream_key(lowered: bytes) -> bool:
    """Return whether a lower-cased body may contain a stream key whose name is written without escapes."""
    return b"streamkey" in lowered or b"stream_key" in lowered


def is_stream_key(name: str) -> bool:
    """Return whether a JSON name is that of a stream key."""
    return name.replace("_", "").lower() == "streamkey"


def without_stream_keys(value: Any) -> tuple[Any, list[str]]:
    """Return a decoded body without its stream keys, the same object if there are none, and the keys.

    A key is also replaced by stars in other texts: an ingest URL may end in it.
    """
    found: set[str] = set()
    if not _find(value, found):
        return value, []
    secrets = _to_search(found)
    return _cut(value, secrets), secrets


def overwrite_stream_keys(raw: bytes, secrets: Iterable[str] | None = None) -> bytes:
    """Return the bytes of a body that jsonb can't hold, with every stream key starred out.

    Args:
        raw: the body, possibly not JSON: if a value's end can't be found, everything after it is overwritten.
        secrets: the keys in the decoded body; None if it can't be decoded.
    """
    if b"\0" in raw and may_hold_stream_key(raw.replace(b"\0", b"").lower()):
        return STARS.encode()  # UTF-16 or similar: its parts can't be identified
    text = raw.decode("utf-8", "surrogateescape")
    found: set[str] = set()
    pieces: list[str] = []
    position = 0
    names = _NAME_AND_COLON if secrets is not None else _ANY_NAME_AND_COLON
    for match in names.finditer(text):
        if match.start() < position or not is_stream_key(_unescaped(match.group(1))):
            continue
        try:
            value, end = _decoder.raw_decode(text, match.end())
            _texts(value, found)
        except (ValueError, RecursionError):
            end = len(text)
        pieces += [text[position : match.end()], f'"{STARS}"']
        position = end
    pieces.append(text[position:])
    text = "".join(pieces)
    if secrets is None:
        found.update(match.group(2) for match in _IN_TEXT.finditer(text))
        text = _IN_BROKEN_JSON.sub(rf"\1{STARS}", text)
    for secret in _to_search(found.union(secrets or ())):
        for written in (secret, json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(secret)[1:-1]):
            text = text.replace(written, STARS)
    return text.encode("utf-8", "surrogateescape")


def _to_search(found: Iterable[str]) -> list[str]:
    """Return the keys that are long enough to search for, longest first: it may contain a shorter one."""
    long = sorted((text for text in found if len(text) >= _LEAST_LENGTH_TO_SEARCH), key=len, reverse=True)
    return long[:_MOST_TO_SEARCH]


def _find(value: Any, found: set[str]) -> bool:
    hit = False
    if isinstance(value, dict):
        for name, inner in value.items():
            if is_stream_key(name):
                hit = True
                _texts(inner, found)
            else:
                hit |= _find(name, found) | _find(inner, found)
    elif isinstance(value, list):
        for inner in value:
            hit |= _find(inner, found)
    elif isinstance(value, str):
        for match in _IN_TEXT.finditer(value):
            hit = True
            found.add(match.group(2))
    return hit


def _texts(value: Any, found: set[str]) -> None:
    if isinstance(value, str):
        found.add(value)
    elif isinstance(value, dict):
        for inner in value.values():
            _texts(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _texts(inner, found)


def _cut(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, dict):
        return {_star(n, secrets): _cut(inner, secrets) for n, inner in value.items() if not is_stream_key(n)}
    if isinstance(value, list):
        return [_cut(inner, secrets) for inner in value]
    return _star(value, secrets) if isinstance(value, str) else value


def _star(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, STARS)
    return _IN_TEXT.sub(rf"\1{STARS}", text)


def _unescaped(name: str) -> str:
    try:
        return str(json.loads(f'"{name}"', strict=False))
    except ValueError:
        return name
