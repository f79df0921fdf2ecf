"""The room names of v1 meetings, which stand where other sessions name their meeting."""

import re

# As the vendor writes them: `abcdef-ghijkl`.
_ROOM_NAME = re.compile(r"[a-z]{6}-[a-z]{6}", re.ASCII)


def is_room_name(text: str) -> bool:
    """Return whether a text is the name of a v1 room, not the id of a meeting."""
    return _ROOM_NAME.fullmatch(text) is not None
