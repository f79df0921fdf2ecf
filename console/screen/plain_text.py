"""Texts of other people on a terminal: a display name may hold escape sequences, line breaks, or turn a line around."""

import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Controls, lone surrogates, and what breaks a line.
_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
# What reverses the direction of all that follows in the line.
_DIRECTIONS = set(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def plain(text: str) -> str:
    """Return a text with everything replaced that would do more than be shown."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _REPLACEMENT if unicodedata.category(sign) in _CATEGORIES or sign in _DIRECTIONS else sign for sign in text
    )
