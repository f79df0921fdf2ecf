"""A recording's row and timeline entries, computed from its status updates, and from what the vendor's API says."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from workers.reading.facts import RecordingFact
from workers.reading.observed_facts import ObservedRecording
from workers.rules.copies import Judged
from workers.rules.timeline import Entry, EntryKey, ObservedEntry, observed_entry
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


class ObservedState(msgspec.Struct, frozen=True, gc=False):
    """An observation of a recording.

    Attributes:
        id: of the observation.
        observed_at: when it was made.
        session_id: the session that it names.
        facts: what it states.
    """

    id: UUID
    observed_at: datetime
    session_id: str | None
    facts: ObservedRecording


_LINKS = ("download_url", "audio_download_url", "download_url_expires_at")

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


def settle_recording(
    recording_id: str, judged: Sequence[Judged], observed: Sequence[ObservedState] = ()
) -> tuple[RecordingRow, dict[EntryKey, Entry]]:
    """Return a recording's row, and its timeline entries by key.

    Args:
        recording_id: the recording.
        judged: its updates, ordered by id.
        observed: its observations, ordered by id. The last one counts, where no update states something.
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
    if observed:
        stated_duration = stated_duration or observed[-1].facts.states.stated_duration
        _fill(row, observed[-1])
    row.duration_seconds = _duration(row.started_at, row.stopped_at, stated_duration)
    return row, entries


def observed_entries(
    recording_id: str, observed: Sequence[ObservedState], reported: Collection[str]
) -> list[ObservedEntry]:
    """Return the entries that a recording's observations state.

    Args:
        recording_id: the recording.
        observed: its observations, ordered by id.
        reported: the kinds of entries that its updates report.
    """
    if not observed or observed[-1].session_id is None:
        return []
    last, facts = observed[-1], observed[-1].facts
    times = {
        "INVOKED": facts.invoked_at,
        "RECORDING": facts.states.started_at,
        "UPLOADING": facts.states.stopped_at,
    }
    if facts.status in RANKS and times.get(facts.status) is None:
        # The API states no time for it: it was seen first by then.
        times[facts.status] = next(one.observed_at for one in observed if one.facts.status == facts.status)
    return [
        observed_entry(
            observed[-1].session_id,
            f"recording.{status.lower()}",
            recording_id,
            at,
            {
                name: value
                for name, value in (("status", status), ("file_name", facts.states.file_name))
                if value is not None
            },
            last.id,
        )
        for status, at in times.items()
        if at is not None and f"recording.{status.lower()}" not in reported
    ]


def _fill(row: RecordingRow, observed: ObservedState) -> None:
    """Add what the API states to what the updates state, which wins; only for the time of INVOKED it does not.

    No update states that time, so it is only known when one was received. Links are taken together, those that expire
    last.
    """
    facts, states = observed.facts, observed.facts.states
    row.status = facts.status if _is_later(row.status, facts.status) else row.status
    row.session_id = row.session_id if row.session_id is not None else observed.session_id
    row.invoked_at = facts.invoked_at or row.invoked_at
    row.started_at = row.started_at or states.started_at
    row.stopped_at = row.stopped_at or states.stopped_at
    links = {name: getattr(states, name) for name in _LINKS}
    expires_at = states.download_url_expires_at
    if states.download_url is not None and expires_at is not None:
        known = row.download_url_expires_at
        if row.download_url is None or (known is not None and known < expires_at):
            for name, value in links.items():
                setattr(row, name, value)
    for name in _LAST_STATED:
        if getattr(row, name) is None:
            setattr(row, name, getattr(states, name))


def _is_later(known: str | None, status: str | None) -> bool:
    """Return whether a status of the API ranks above a known one: among equals the updates' wins."""
    rank = RANKS.get(status or "")
    return rank is not None and (known is None or rank > RANKS[known])


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
