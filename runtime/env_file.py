"""Reads `.env` completely or not at all.

python-dotenv reads what it can and warns about the rest. Half of the settings is worse than none: without the line for
`ORGANIZATION_IDS` a worker accepts every organization's events. So any line that would be dropped, or would swallow
others, fails startup.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from runtime.setting_error import EnvFileError

_LINE_BREAK = re.compile(rb"\r\n|\n|\r")
# Valid variable names, for the environment and for other tools that read this file.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# In a quoted value of several lines: a line that sets another variable. Not base64, whose `=` end the line.
_SWALLOWED = re.compile(r"^[ \t]*(?:export[ \t]+)?[A-Z_][A-Z0-9_]*[ \t]*=[ \t]*[^\s=]", re.MULTILINE)


def read_env_file(path: Path) -> dict[str, str]:
    """Return the variables set in the file (UTF-8, with or without a byte order mark); empty if the file is missing.

    Raises:
        EnvFileError: the file exists but it, or one of its lines, can't be read.
    """
    values: dict[str, str] = {}
    set_on: dict[str, int] = {}
    for line, binding in _bindings(path):
        if binding.key is None:  # a comment, or the blank end
            continue
        name, value = binding.key, binding.value
        if value is None:
            raise _unreadable(path, line, "it has no `=`. Write NAME=value, or start the line with #")
        if not _NAME.fullmatch(name):
            raise _unreadable(
                path, line, "the part before the `=` is not a variable name (letters, digits, _; no quotes). Correct it"
            )
        if _SWALLOWED.search(value):
            raise _unreadable(path, line, "its quote is still open on a later line that sets a variable. Close it")
        if values.get(name, value) != value:
            raise _unreadable(
                path, line, f"it sets a variable that line {set_on[name]} sets to another value. Remove one of them"
            )
        values[name] = value
        set_on.setdefault(name, line)
    return values


def _bindings(path: Path) -> Iterator[tuple[int, Binding]]:
    """Yield each binding with the number of its first line."""
    # Universal newlines, as in any text file.
    for binding in parse_stream(io.StringIO(_text(path), newline=None)):
        original = binding.original
        blank = original.string[: len(original.string) - len(original.string.lstrip())]
        line = original.line + blank.count("\n")
        if binding.error:
            raise _unreadable(
                path, line, "it is not NAME=value, or a quote is not closed, or something follows a closing quote"
            )
        yield line, binding


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            raise EnvFileError(f"{path} is a link to a missing file. Remove the link, or create that file.") from None
        return ""
    except OSError as error:
        raise EnvFileError(
            f"{path} can't be read ({error.strerror}). Make it readable for this user, or remove it."
        ) from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(
            path, _line_at(content, error.start), "it is not UTF-8. Save the file in that encoding"
        ) from None
    if "\0" in text:
        raise _unreadable(
            path, _line_at(content, content.index(b"\0")), "it contains a NUL byte. Save the file in UTF-8 (not UTF-16)"
        )
    return text


def _line_at(content: bytes, position: int) -> int:
    return len(_LINE_BREAK.findall(content, 0, position)) + 1


def _unreadable(path: Path, line: int, why: str) -> EnvFileError:
    return EnvFileError(f"{path}, line {line} can't be read: {why}, and restart.")
