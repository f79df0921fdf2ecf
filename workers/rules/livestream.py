"""A livestream's row and timeline entries, computed from its status updates."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from workers.reading.facts import LivestreamFact
from workers.rules.copies import Judged
from workers.rules.timeline import Entry, EntryKey


class LivestreamRow(msgspec.Struct, gc=False):
    """A row of `livestreams`, in the order of its columns."""

    stream_id: str
    meeting_id: str | None = None
    status: str | None = None
    last_changed_at: datetime | None = None
    playback_url: str | None = None


def settle_livestream(stream_id: str, judged: Sequence[Judged]) -> tuple[LivestreamRow, dict[EntryKey, Entry]]:
    """Return a stream's row, and its timeline entries by key.

    The vendor states no time for a stream's status: it changed when the first update with that status was received.

    Args:
        stream_id: the stream.
        judged: its updates, ordered by id.
    """
    row = LivestreamRow(stream_id)
    entries: dict[EntryKey, Entry] = {}
    for one in judged:
        if not one.counts:
            continue
        update, states = one.update, one.update.states
        if not isinstance(states, LivestreamFact):
            raise TypeError(f"update {update.id} of stream {stream_id} states no stream")
        kind = f"livestream.{update.status.lower()}"
        entry = Entry(update.session_id, kind, stream_id, update.received_at, {"status": update.status}, update.id)
        entries.setdefault(entry.key, entry)
        if update.status != row.status:
            row.status = update.status
            row.last_changed_at = update.received_at
        row.meeting_id = states.meeting_id if states.meeting_id is not None else row.meeting_id
        row.playback_url = states.playback_url if states.playback_url is not None else row.playback_url
    return row, entries
