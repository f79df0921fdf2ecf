"""Recordings and livestreams: all updates of one subject, from the ledger and the batch, are settled together.

There are few of them, and the meaning of one depends on those received before it, whichever was processed first.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

import msgspec

from workers.reading.facts import Facts, SubjectKind
from workers.reading.reading import Reading
from workers.reading.status import Status
from workers.rules.copies import Judged, Update, judge
from workers.rules.livestream import LivestreamRow, settle_livestream
from workers.rules.recording import ObservedState, RecordingRow, observed_entries, settle_recording
from workers.rules.timeline import Entry, EntryKey, ObservedEntry
from workers.settling.repeats import Withdrawn
from workers.tables.arrays import Cursor
from workers.tables.ledger import Kept, become_processed, become_repeats
from workers.tables.locks import Subject
from workers.tables.observations import of_recordings
from workers.tables.stored import StoredUpdate, updates_of_subjects


class _Known(msgspec.Struct, frozen=True, gc=False):
    """A status update, what it states, and its row in the ledger.

    Attributes:
        update: the update.
        facts: all that its body states.
        error: which parts of the body can't be read.
        row: its row.
        holder: the row that holds the body: this one or that of a copy.
        is_new: whether it is in the batch.
    """

    update: Update
    facts: Facts
    error: str | None
    row: StoredUpdate
    holder: StoredUpdate
    is_new: bool


@dataclass(slots=True)
class SettledSubjects:
    """The result of settling the subjects that a batch touches, filled as it proceeds.

    Attributes:
        counting: deliveries whose facts go into the tables because of this batch: id, `received_at`, facts.
        withdrawn: deliveries of earlier batches that no longer count.
        recordings: the recordings' rows.
        livestreams: the streams' rows.
        entries: timeline entries that are new, or belong to another delivery than before.
        gone: timeline entries that no longer exist, or belong to another delivery than before.
        all_entries: all entries of the settled subjects.
        observed_recordings: the settled recordings of which observations may have stated entries before.
        observed_entries: all entries that these state.
        sessions: sessions whose recordings or entries changed.
        streams: streams whose entries without a session changed.
    """

    counting: list[tuple[UUID, datetime, Facts]] = field(default_factory=list)
    withdrawn: list[Withdrawn] = field(default_factory=list)
    recordings: list[RecordingRow] = field(default_factory=list)
    livestreams: list[LivestreamRow] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    gone: list[EntryKey] = field(default_factory=list)
    all_entries: list[Entry] = field(default_factory=list)
    observed_recordings: set[str] = field(default_factory=set)
    observed_entries: list[ObservedEntry] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    streams: set[str] = field(default_factory=set)


def subjects_of(batch: Iterable[Kept]) -> list[Subject]:
    """Return the subjects of the status updates in a batch."""
    facts = (kept.reading.facts for kept in batch)
    return sorted({(f.update.kind, f.update.subject_id) for f in facts if f is not None and f.update is not None})


def settle_subjects(
    cursor: Cursor,
    subjects: Sequence[Subject],
    new: Sequence[Kept] = (),
    first_observed: Mapping[str, Sequence[ObservedState]] = MappingProxyType({}),
) -> SettledSubjects:
    """Settle subjects from all their updates in the ledger, and mark there which are repeats.

    Args:
        cursor: in a transaction that has locked them and has written `new` into the ledger.
        subjects: kind and id.
        new: the deliveries of this batch; the tables already hold the result of the others. Without any, all rows and
            entries of the subjects are returned, else those of the subjects that changed.
        first_observed: all observations of recordings that had none before, ordered by id.
    """
    settled = SettledSubjects()
    if not subjects:
        return settled
    updates = _updates(cursor, subjects, new)
    recordings = {subject_id for kind, subject_id in subjects if kind is SubjectKind.RECORDING}
    observed = {**first_observed, **_observed(cursor, sorted(recordings - first_observed.keys()))}
    repeats: list[Judged] = []
    become: list[_Known] = []
    for subject in subjects:
        known = updates.get(subject, [])
        judged = judge([one.update for one in known])
        moved = not new
        for was, one in zip(known, judged, strict=True):
            was_processed = was.row.status == Status.PROCESSED
            if one.counts:
                if not was_processed:
                    become.append(was)
                if was.is_new or not was_processed:
                    settled.counting.append((one.update.id, one.update.received_at, was.facts))
                    moved = True
            elif was_processed or was.row.repeat_of != one.first:
                repeats.append(one)
                if was_processed and not was.is_new:
                    settled.withdrawn.append(_withdrawn(one, was, known))
                    moved = True
        if moved:
            _settle(subject, known, judged, observed.get(subject[1], ()), settled)
    bodies = [(one.holder.payload, one.holder.raw, one.error) for one in become]
    become_processed(cursor, [one.update.id for one in become], bodies)
    become_repeats(cursor, [one.update.id for one in repeats], [one.first for one in repeats])
    return settled


def _withdrawn(judged: Judged, was: _Known, known: Sequence[_Known]) -> Withdrawn:
    first_facts = next(one.facts for one in known if one.update.id == judged.first)
    return Withdrawn(judged.update.id, judged.first, was.facts, first_facts)


def _settle(
    subject: Subject,
    known: Sequence[_Known],
    judged: Sequence[Judged],
    observed: Sequence[ObservedState],
    settled: SettledSubjects,
) -> None:
    """Add the result for a subject: its row, its entries, and which of these are new or gone."""
    row, entries = _row_and_entries(subject, judged, observed)
    if isinstance(row, RecordingRow):
        settled.recordings += [row] if judged or observed else []
        if observed:
            _settle_observed(row, entries.values(), observed, settled)
    else:
        settled.livestreams += [row] if judged else []
    settled.all_entries += entries.values()
    before = sum(not one.is_new for one in known)
    if not any(one.is_new for one in known[:before]):
        # All new ones were received after all others, so the meaning of those has not changed.
        first_new = known[before].update.id.int if before < len(known) else None
        appeared = [one for one in entries.values() if first_new is not None and one.delivery_id.int >= first_new]
        gone: list[EntryKey] = []
        former = next((one.update.session_id for one in reversed(judged[:before]) if one.counts), None)
        of_rows = {row.session_id, former} if isinstance(row, RecordingRow) else set()
    else:
        before_these = judge([one.update for one in known if not one.is_new])
        row_before, entries_before = _row_and_entries(subject, before_these, observed)
        appeared = [entry for key, entry in entries.items() if entries_before.get(key) != entry]
        gone = [key for key, entry in entries_before.items() if entries.get(key) != entry]
        of_rows = {one.session_id for one in (row, row_before) if row != row_before and isinstance(one, RecordingRow)}
    settled.entries += appeared
    settled.gone += gone
    sessions = {entry.session_id for entry in appeared} | {session_id for session_id, *_ in gone}
    settled.sessions.update(one for one in sessions | of_rows if one is not None)
    if None in sessions:
        settled.streams.add(subject[1])


def _settle_observed(
    row: RecordingRow, entries: Iterable[Entry], observed: Sequence[ObservedState], settled: SettledSubjects
) -> None:
    reported = {entry.kind for entry in entries}
    settled.observed_recordings.add(row.id)
    settled.observed_entries += observed_entries(row.id, observed, reported)
    settled.sessions.update(one.session_id for one in observed if one.session_id is not None)


def _observed(cursor: Cursor, recording_ids: Sequence[str]) -> Mapping[str, Sequence[ObservedState]]:
    """Return the observations of recordings that can be read, ordered by id."""
    states: dict[str, list[ObservedState]] = defaultdict(list)
    if recording_ids:
        for one in of_recordings(cursor, recording_ids):
            facts = one.facts().recording
            if facts is not None:
                states[one.subject_id].append(ObservedState(one.id, one.observed_at, one.session_id, facts))
    return states


def _row_and_entries(
    subject: Subject, judged: Sequence[Judged], observed: Sequence[ObservedState]
) -> tuple[RecordingRow | LivestreamRow, dict[EntryKey, Entry]]:
    kind, subject_id = subject
    if kind is SubjectKind.RECORDING:
        return settle_recording(subject_id, judged, observed)
    return settle_livestream(subject_id, judged)


def _updates(cursor: Cursor, subjects: Sequence[Subject], new: Sequence[Kept]) -> Mapping[Subject, Sequence[_Known]]:
    """Return the updates of subjects, including those of the batch, ordered by id."""
    others = updates_of_subjects(cursor, [subject_id for _, subject_id in subjects], [kept.delivery.id for kept in new])
    rows: list[tuple[StoredUpdate, Reading | None]] = [(row, None) for row in others]
    rows += [(_row(kept), kept.reading) for kept in new]
    rows.sort(key=lambda one: one[0].id.int)
    holders = {row.body_sha256: row for row, _ in reversed(rows) if row.holds_body}
    copies: dict[bytes, tuple[StoredUpdate, Reading]] = {}
    updates: dict[Subject, list[_Known]] = defaultdict(list)
    for row, read in rows:
        holder = holders.get(row.body_sha256)
        if holder is None:
            continue
        reading = read or _read(row, holder, copies.get(row.body_sha256))
        copies[row.body_sha256] = row, reading
        facts = reading.facts
        if facts is None or facts.update is None:
            continue
        stated = facts.update
        update = Update(
            row.id, row.received_at, row.delivery_uuid, row.body_sha256, stated.status, stated.session_id, stated.states
        )
        known = _Known(update, facts, reading.error, row, holder, is_new=read is not None)
        updates[stated.kind, stated.subject_id].append(known)
    return updates


def _read(row: StoredUpdate, holder: StoredUpdate, former: tuple[StoredUpdate, Reading] | None) -> Reading:
    """Read a row of the ledger; a copy reads as the one before it, unless that stated a time too far ahead."""
    if former is not None:
        copy, reading = former
        names = (copy.session_id, copy.meeting_id)
        if reading.reads_the_same_later and names == (row.session_id, row.meeting_id):
            return reading
    return row.read_remembered(holder)


def _row(kept: Kept) -> StoredUpdate:
    """Return the ledger row of a delivery of the batch."""
    delivery, reading = kept.delivery, kept.reading
    return StoredUpdate(
        delivery.id,
        delivery.received_at,
        reading.session_id,
        reading.meeting_id,
        reading.payload,
        reading.raw,
        delivery.delivery_uuid,
        kept.body_sha256,
        Status.PROCESSED,
        None,
    )
