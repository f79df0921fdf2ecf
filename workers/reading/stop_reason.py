"""A recording's `stopReason`: an object, or a text that looks like one with single quotes."""

import re
from typing import Any

_REASON_IN_TEXT = re.compile(r"['\"]reason['\"]\s*:\s*['\"]([^'\"]*)['\"]")


def bare_stop_reason(value: Any) -> str | None:
    """Return the bare reason, such as `ALL_PEERS_LEFT`; None if there is none or it is unreadable.

    Seen: `"{'reason':'ALL_PEERS_LEFT','caller':{…}}"`, the same as an object, and the bare word.
    """
    if isinstance(value, dict):
        value = value.get("reason")
        return value if isinstance(value, str) and value else None
    if not isinstance(value, str) or not value:
        return None
    if not value.lstrip().startswith("{"):
        return value
    match = _REASON_IN_TEXT.search(value)
    return match.group(1) or None if match else None
