"""When two answers of the vendor's API say the same: apart from `updated_at` and the queries of links."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

_encode = msgspec.json.Encoder(order="sorted").encode
# Each call signs a link again, and a new signature may come with a new expiry.
_ASIDE = frozenset({"updated_at", "download_url_expiry"})


def what_it_says(answer: dict[str, Any]) -> bytes:
    """Return the JSON of what an answer says, without what differs between two answers that say the same."""
    try:
        return _encode(_without(answer))
    except (ValueError, UnicodeEncodeError):  # lone surrogates
        return repr(_without(answer)).encode(errors="backslashreplace")


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(one) for name, one in value.items() if name not in _ASIDE}
    if isinstance(value, list):
        return [_without(one) for one in value]
    if isinstance(value, str) and value.startswith(("https://", "http://")):
        return _path_of(value)
    return value


def _path_of(link: str) -> str:
    try:
        parts = urlsplit(link)
    except ValueError:
        return link
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
