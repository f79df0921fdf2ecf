"""How long an answer asks to wait: `retry-after`, and Cloudflare's `Ratelimit` headers."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Seconds. Cloudflare blocks all calls of a token for five minutes; longer is nobody's meaning.
LONGEST_WAIT = 300.0
# Where an answer of 429 names no time: Dyte's published example does so with 4.
_WITHOUT_TIME = 4.0
_NUMBER = re.compile(r"\d{1,9}(\.\d+)?", re.ASCII)
_PARAMETER = re.compile(r";\s*([a-z]+)\s*=\s*(\d{1,12})", re.ASCII)


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Return the seconds that an answer of 429 asks to wait, at most `LONGEST_WAIT`.

    Args:
        headers: the answer's, looked up in lower case.
        now: this machine's time, against which a date is taken.
    """
    text = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(text):
        return min(float(text), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return _WITHOUT_TIME
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max((at - now).total_seconds(), 0.0), LONGEST_WAIT)


def rest(headers: Mapping[str, str]) -> float:
    """Return the seconds to rest, as less than half of what the vendor allows is left; 0 if it is not.

    The user's own app may call with the same token, and beyond the limit all calls are blocked.
    """
    left = dict(_PARAMETER.findall(headers.get("ratelimit", "")))
    policy = dict(_PARAMETER.findall(headers.get("ratelimit-policy", "")))
    if not {"r", "t"} <= left.keys() or "q" not in policy:
        return 0.0
    if 2 * int(left["r"]) >= int(policy["q"]):
        return 0.0
    return min(float(left["t"]), LONGEST_WAIT)
