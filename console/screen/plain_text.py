"""Makes untrusted text safe to print: a display name may contain escape sequences, line breaks or bidi controls."""

import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Control characters, lone surrogates and line breaks.
_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
# What changes the direction of all that follows in the line, and the marks that do for a word.
_DIRECTIONS = set(map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def plain(text: str) -> str:
    """Return a text with all characters replaced that have effects beyond being displayed."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_REPLACEMENT if _does_more(sign) else sign for sign in text)


def plain_lines(text: str) -> str:
    """Return a text of several lines as `plain` does each of them."""
    return "\n".join(map(plain, text.split("\n")))


def escaped_json(document: str) -> str:
    """Return a JSON document with the same values, in which all that would do more than be shown is escaped."""
    if document.isascii() and "\x7f" not in document:
        return document
    # Beyond line feeds between its parts a document can have such signs in its strings alone.
    return "".join(f"\\u{ord(sign):04x}" if sign != "\n" and _does_more(sign) else sign for sign in document)


def _does_more(sign: str) -> bool:
    return unicodedata.category(sign) in _CATEGORIES or sign in _DIRECTIONS
