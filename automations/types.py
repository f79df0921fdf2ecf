"""The types of messages, as far as they are known: the vendor may add a status of recordings or livestreams."""

import re
from functools import lru_cache

TYPES = (
    "session.started",
    "session.ended",
    "session.settled",
    "session.revised",
    "participant.joined",
    "participant.left",
    "participant.no_show",
    "participant.below_threshold",
    "participant.cleared",
    "recording.invoked",
    "recording.recording",
    "recording.paused",
    "recording.uploading",
    "recording.uploaded",
    "recording.errored",
    "livestream.live",
    "livestream.offline",
    "livestream.idle",
    "chat.available",
    "transcript.available",
    "summary.available",
    "entry.withdrawn",
    "delivery.quarantined",
    "endpoint.failing",
    "endpoint.disabled",
    "rollcall.test",
)
TEST = "rollcall.test"

# A status that this version does not know is told of as well.
_OPEN = ("recording.", "livestream.")


@lru_cache(maxsize=1024)
def pattern(glob: str) -> re.Pattern[str]:
    """Return what a glob matches; `*` stands for any characters."""
    return re.compile(".*".join(map(re.escape, glob.split("*"))))


def fits_any_type(glob: str) -> bool:
    """Tell whether there can be messages of a type that a glob matches."""
    matches = pattern(glob).fullmatch
    return any(map(matches, TYPES)) or (glob.startswith(_OPEN) and glob not in _OPEN)
