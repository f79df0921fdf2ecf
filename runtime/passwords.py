"""Keeps passwords out of driver errors: libpq and ADBC quote the URL, or what they parsed as a host."""

import re
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

WITHHELD = (
    "the driver's message repeats a part of the URL that may be the password, so it is not shown. "
    "Are special characters in user and password percent-encoded (@ is %40, / is %2F)?"
)

# This many consecutive characters of a password count as a piece of it.
_PIECE = 4
_SECRET_OPTIONS = re.compile(r"password|secret|_key$|^ssl_options$", re.IGNORECASE)


def reason(error: BaseException | None, url: str) -> str:
    """Return the message of an error from the database at `url` as one sentence, without any piece of a password."""
    lines = str(error).strip().splitlines()
    text = without_password(lines[0].removeprefix("connection failed: ") if lines else type(error).__name__, url)
    return text if text.endswith((".", "?")) else f"{text}."


def without_password(text: str, *urls: str) -> str:
    """Return a driver's message, or `WITHHELD` if it contains a piece of a password.

    Args:
        text: the driver's message.
        urls: the Postgres or RabbitMQ URLs it was given, valid or not.
    """
    return WITHHELD if any(shows_password(text, url) for url in urls) else text


def shows_password(text: str, url: str) -> bool:
    """Return whether `text` contains four consecutive characters of a possible password in `url`, ignoring case."""
    said = text.casefold()
    return any(piece in said for secret in _secrets(url) for piece in _pieces(secret.casefold()))


def _secrets(url: str) -> set[str]:
    """Return every possible password in the URL, as written and decoded, reading it as broadly as possible."""
    written: set[str] = set()
    rest = url.partition("://")[2]
    # From the first colon to the last `@`: a driver with other rules may have parsed a host from it.
    written.add(rest.rpartition("@")[0].partition(":")[2])
    for parameter in re.split("[?&]", rest)[1:]:
        name, _, value = parameter.partition("=")
        if _SECRET_OPTIONS.search(name):
            written.add(value)
    try:
        options = conninfo_to_dict(url)
    except (psycopg.Error, UnicodeEncodeError):
        options = {}
    written |= {str(value) for name, value in options.items() if _SECRET_OPTIONS.search(name)}
    return {form for one in written for form in (one, unquote(one)) if form}


def _pieces(secret: str) -> set[str]:
    return {secret[start : start + _PIECE] for start in range(max(1, len(secret) - _PIECE + 1))}
