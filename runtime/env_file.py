"""The file `.env`: read whole or not at all.

python-dotenv reads what it can and warns of the rest. Half of the settings is worse than none: without its line for
`ORGANIZATION_IDS` a worker takes everybody's events. So each line that would be left out, or would swallow others,
stops the start.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from runtime.setting_error import EnvFileError

_LINE_BREAK = re.compile(rb"\r\n|\n|\r")
# What a variable's name is made of, in the environment and in the tools that share this file.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# In a quoted value of several lines: a line that sets another variable. Not base64, whose `=` end the line.
_SWALLOWED = re.compile(r"^[ \t]*(?:export[ \t]+)?[A-Z_][A-Z0-9_]*[ \t]*=[ \t]*[^\s=]", re.MULTILINE)


def read_env_file(path: Path) -> dict[str, str]:
    """Return what the file sets, in UTF-8 with or without a byte order mark; nothing where there is no such file.

    Raises:
        EnvFileError: it is there and can't be read, or a line of it can't.
    """
    values: dict[str, str] = {}
    set_on: dict[str, int] = {}
    for line, binding in _bindings(path):
        if binding.key is None:  # a comment, or the blank end
            continue
        name, value = binding.key, binding.value
        if value is None:
            raise _unreadable(path, line, "there is no `=` in it. Write NAME=value, or put a # before it")
        if not _NAME.fullmatch(name):
            raise _unreadable(
                path, line, "what stands before the `=` is no variable's name (letters, digits and _, without quotes)"
            )
        if _SWALLOWED.search(value):
            raise _unreadable(path, line, "its quote is still open on a later line that sets a variable. Close it")
        if values.get(name, value) != value:
            raise _unreadable(
                path, line, f"it sets a variable that line {set_on[name]} has set to something else. Remove one of them"
            )
        values[name] = value
        set_on.setdefault(name, line)
    return values


def _bindings(path: Path) -> Iterator[tuple[int, Binding]]:
    """Yield each line, or lines of one value, with the number of its first."""
    # The line breaks of every system become those of this one, as in any text file.
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
            raise EnvFileError(f"{path} is a link to a file that is not there. Remove it, or make that file.") from None
        return ""
    except OSError as error:
        raise EnvFileError(
            f"{path} can't be read ({error.strerror}). Make it a file that this user can read, or remove it."
        ) from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(
            path, _line_at(content, error.start), "it is not UTF-8. Save the file in that encoding"
        ) from None
    if "\0" in text:
        raise _unreadable(
            path, _line_at(content, content.index(b"\0")), "it holds a NUL byte. Save the file in UTF-8 (not UTF-16)"
        )
    return text


def _line_at(content: bytes, position: int) -> int:
    return len(_LINE_BREAK.findall(content, 0, position)) + 1


def _unreadable(path: Path, line: int, why: str) -> EnvFileError:
    return EnvFileError(f"{path}, line {line} can't be read: {why}, and start again.")
