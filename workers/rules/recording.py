"""A recording's row and timeline entries, computed from its status updates."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from workers.reading.facts import RecordingFact
from workers.rules.copies import Judged
from workers.rules.timeline import Entry, EntryKey
from workers.rules.times import earliest, latest

# A recording never goes back from a later status to an earlier one, whatever arrives late.
RANKS = {"INVOKED": 0, "RECORDING": 1, "PAUSED": 1, "UPLOADING": 2, "UPLOADED": 3, "ERRORED": 3}


class RecordingRow(msgspec.Struct, gc=False):
    """A row of `recordings`, in the order of its columns."""

    id: str
    session_id: str | None = None
    meeting_id: str | None = None
    status: str | None = None
    invoked_at: datetime | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    duration_seconds: Decimal | None = None
    file_size: int | None = None
    file_name: str | None = None
    download_url: str | None = None
    audio_download_url: str | None = None
    download_url_expires_at: datetime | None = None
    stop_reason: str | None = None


# Columns decided by the last update that states them.
_LAST_STATED = (
    "meeting_id",
    "file_size",
    "file_name",
    "download_url",
    "audio_download_url",
    "download_url_expires_at",
    "stop_reason",
)


def settle_recording(recording_id: str, judged: Sequence[Judged]) -> tuple[RecordingRow, dict[EntryKey, Entry]]:
    """Return a recording's row, and its timeline entries by key.

    Args:
        recording_id: the recording.
        judged: its updates, ordered by id.
    """
    row = RecordingRow(recording_id)
    entries: dict[EntryKey, Entry] = {}
    stated_duration: float | None = None
    seen_recording = False
    for one in judged:
        if not one.counts:
            continue
        update, states = one.update, one.update.states
        if not isinstance(states, RecordingFact):
            raise TypeError(f"update {update.id} of recording {recording_id} states no recording")
        occurred_at = _occurred_at(one, states, first_recording=not seen_recording)
        seen_recording = seen_recording or update.status == "RECORDING"
        detail = {"status": update.status, "file_name": states.file_name, "stop_reason": states.stop_reason}
        entry = Entry(
            update.session_id,
            f"recording.{update.status.lower()}",
            recording_id,
            occurred_at,
            {name: value for name, value in detail.items() if value is not None},
            update.id,
        )
        entries.setdefault(entry.key, entry)
        row.status = _advanced(row.status, update.status)
        if update.status == "INVOKED":
            row.invoked_at = earliest(row.invoked_at, occurred_at)
        row.started_at = earliest(row.started_at, states.started_at)
        row.stopped_at = latest(row.stopped_at, states.stopped_at)
        row.session_id = update.session_id if update.session_id is not None else row.session_id
        stated_duration = states.stated_duration or stated_duration
        for name in _LAST_STATED:
            value = getattr(states, name)
            if value is not None:
                setattr(row, name, value)
    row.duration_seconds = _duration(row.started_at, row.stopped_at, stated_duration)
    return row, entries


def _occurred_at(one: Judged, states: RecordingFact, *, first_recording: bool) -> datetime:
    stated = None
    if one.is_first and one.update.status == "RECORDING" and first_recording:
        stated = states.started_at
    elif one.is_first and one.update.status == "UPLOADING":
        stated = states.stopped_at
    return stated or one.update.received_at


def _advanced(known: str | None, status: str) -> str | None:
    rank = RANKS.get(status)
    if rank is None or (known is not None and rank < RANKS[known]):
        return known
    return status


def _duration(start: datetime | None, stop: datetime | None, stated: float | None) -> Decimal | None:
    """Return the seconds from start to stop; if one is missing, the stated duration, which may wrongly be 0."""
    if start is not None and stop is not None and stop >= start:
        microseconds = (stop - start) // (datetime.resolution)
        return Decimal(microseconds) / 1_000_000
    return None if stated is None else Decimal(str(stated))
