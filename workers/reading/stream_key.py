"""The stream key does not rest: it is cut out of whatever is stored of a body.

Whoever has a livestream's `streamKey` can broadcast in the customer's name.
"""

import json
import re
from typing import Any

STARS = "***"

# Shorter values are cut with their key, but not looked for in other texts: they would be found in words.
_LEAST_LENGTH_TO_SEARCH = 6
_KEY_AND_COLON = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*')
_BROKEN_KEY = re.compile(r"(?i)(stream_?key)([\"'\s:=\\]*)([^\"'\s,}&\\]+)")
_decoder = json.JSONDecoder()


def may_hold_stream_key(lowered: bytes) -> bool:
    """Tell whether a body in lower case can hold a stream key whose name is not written with escapes."""
    return b"streamkey" in lowered or b"stream_key" in lowered


def is_stream_key(name: str) -> bool:
    """Tell whether a JSON name is that of a stream key."""
    return name.replace("_", "").lower() == "streamkey"


def without_stream_keys(value: Any) -> tuple[Any, bool]:
    """Return a decoded body without its stream keys, and whether there were any.

    A key's value is starred out of the other texts too: an ingest URL may end in it.
    """
    found: set[str] = set()
    if not _find(value, found):
        return value, False
    secrets = sorted((text for text in found if len(text) >= _LEAST_LENGTH_TO_SEARCH), key=len, reverse=True)
    return _cut(value, secrets), True


def overwrite_stream_keys(raw: bytes) -> bytes:
    """Return the bytes of a body that jsonb can't hold, with every stream key's value starred out.

    The body may be anything: where a value's end can't be found, all that follows is overwritten.
    """
    text = raw.decode("utf-8", "surrogateescape")
    found: set[str] = set()
    pieces: list[str] = []
    position = 0
    for match in _KEY_AND_COLON.finditer(text):
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
    for secret in found:
        if len(secret) >= _LEAST_LENGTH_TO_SEARCH:
            text = text.replace(secret, STARS)
    text = _BROKEN_KEY.sub(lambda match: f"{match.group(1)}{match.group(2)}{STARS}", text)
    return text.encode("utf-8", "surrogateescape")


def _find(value: Any, found: set[str]) -> bool:
    hit = False
    if isinstance(value, dict):
        for name, inner in value.items():
            if is_stream_key(name):
                hit = True
                _texts(inner, found)
            else:
                hit |= _find(inner, found)
    elif isinstance(value, list):
        for inner in value:
            hit |= _find(inner, found)
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
    return text


def _unescaped(name: str) -> str:
    try:
        return str(json.loads(f'"{name}"', strict=False))
    except ValueError:
        return name
