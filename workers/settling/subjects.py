"""Recordings and livestreams: all updates of one subject, the ledger's and the batch's, are settled together.

They are few, and what one of them means depends on those received before it, whichever was processed first.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from workers.reading.facts import Facts, SubjectKind
from workers.reading.reading import Reading
from workers.reading.status import Status
from workers.rules.copies import Judged, Update, judge
from workers.rules.livestream import LivestreamRow, settle_livestream
from workers.rules.recording import RecordingRow, settle_recording
from workers.rules.timeline import Entry, EntryKey
from workers.tables.arrays import Cursor, write_columns
from workers.tables.ledger import Kept, Withdrawn, become_repeats
from workers.tables.locks import Subject
from workers.tables.stored import reading_of

# Those of the batch itself are known.
_OTHER_UPDATES = """
SELECT id, received_at, delivery_uuid, body_sha256, status, repeat_of, payload::text, raw, session_id, meeting_id
FROM rollcall.deliveries
WHERE subject_id = ANY(%b::text[]) AND status IN ('processed', 'repeat') AND id <> ALL(%b::uuid[])
"""

# A repeat holds no payload of its own; one that counts after all gets that of a copy.
_COUNT = """
UPDATE rollcall.deliveries AS delivery
SET status = 'processed', repeat_of = NULL, payload = new.payload::jsonb, raw = new.raw, error = new.error
FROM unnest(%b::uuid[], %b::text[], %b::bytea[], %b::text[]) AS new (id, payload, raw, error)
WHERE delivery.id = new.id
"""


class _Body(msgspec.Struct):
    facts: Facts
    payload: str | None
    raw: bytes | None
    error: str | None


class _Stored(msgspec.Struct):
    """A row of the ledger, or a delivery of the batch as it is there now."""

    id: UUID
    received_at: datetime
    delivery_uuid: str | None
    body_sha256: bytes
    status: str
    repeat_of: UUID | None
    payload: str | None
    raw: bytes | None
    session_id: str | None
    meeting_id: str | None
    reading: Reading | None = None
    is_new: bool = False


class _LedgerUpdate(msgspec.Struct):
    update: Update
    body: _Body
    stored_status: str
    stored_repeat_of: UUID | None
    is_new: bool


class SettledSubjects(msgspec.Struct):
    """What the subjects that a batch touches have come to.

    Attributes:
        counting: deliveries whose facts go into the tables because of this batch: id, received_at, facts.
        withdrawn: deliveries of earlier batches that no longer count.
        recordings: the recordings' rows.
        livestreams: the streams' rows.
        entries: entries of the timeline that are there now and were not, or were another delivery's.
        gone: entries that were there and are not any more, or are another delivery's.
        all_entries: all entries of the subjects.
    """

    counting: list[tuple[UUID, datetime, Facts]] = []
    withdrawn: list[Withdrawn] = []
    recordings: list[RecordingRow] = []
    livestreams: list[LivestreamRow] = []
    entries: list[Entry] = []
    gone: list[EntryKey] = []
    all_entries: list[Entry] = []


def subjects_of(batch: Iterable[Kept]) -> list[Subject]:
    """Return the subjects of the status updates in a batch."""
    facts = (kept.reading.facts for kept in batch)
    return sorted({(f.update.kind, f.update.subject_id) for f in facts if f is not None and f.update is not None})


def settle_subjects(cursor: Cursor, subjects: Sequence[Subject], new: Sequence[Kept] = ()) -> SettledSubjects:
    """Settle subjects from all their updates in the ledger, and mark there which are repeats.

    Args:
        cursor: in a transaction that has locked them and has written `new` into the ledger.
        subjects: kind and id.
        new: the deliveries of this batch; the tables hold what the others came to.
    """
    settled = SettledSubjects()
    if not subjects:
        return settled
    ledger = _updates(cursor, subjects, new)
    to_repeat: list[tuple[UUID, UUID]] = []
    to_count: list[_LedgerUpdate] = []
    for subject in subjects:
        rows = ledger.get(subject, [])
        after = judge([row.update for row in rows])
        facts = {row.update.id: row.body.facts for row in rows}
        for row, one in zip(rows, after, strict=True):
            if one.counts and (row.is_new or row.stored_status != Status.PROCESSED):
                settled.counting.append((one.update.id, one.update.received_at, row.body.facts))
            if one.counts and row.stored_status != Status.PROCESSED:
                to_count.append(row)
            if not one.counts and (row.stored_status != Status.REPEAT or row.stored_repeat_of != one.first):
                to_repeat.append((one.update.id, one.first))
                if row.stored_status == Status.PROCESSED and not row.is_new:
                    settled.withdrawn.append(Withdrawn(one.update.id, one.first, row.body.facts, facts[one.first]))
        _settle(subject, rows, after, settled)
    if to_count:
        write_columns(
            cursor,
            _COUNT,
            (
                [row.update.id for row in to_count],
                [row.body.payload for row in to_count],
                [row.body.raw for row in to_count],
                [row.body.error for row in to_count],
            ),
        )
    become_repeats(cursor, [one[0] for one in to_repeat], [one[1] for one in to_repeat])
    return settled


def _settle(subject: Subject, rows: Sequence[_LedgerUpdate], after: Sequence[Judged], settled: SettledSubjects) -> None:
    entries = _settle_row(subject, after, settled)
    settled.all_entries += entries.values()
    known = sum(not row.is_new for row in rows)
    if not any(row.is_new for row in rows[:known]):
        # All new ones were received after all others, which so mean what they meant before.
        new_ids = {row.update.id for row in rows[known:]}
        settled.entries += [entry for entry in entries.values() if entry.delivery_id in new_ids]
        return
    before = judge([row.update for row in rows if not row.is_new])
    entries_before = _settle_row(subject, before, SettledSubjects())
    settled.entries += [entry for key, entry in entries.items() if entries_before.get(key) != entry]
    settled.gone += [key for key, entry in entries_before.items() if entries.get(key) != entry]


def _settle_row(subject: Subject, judged: Sequence[Judged], settled: SettledSubjects) -> dict[EntryKey, Entry]:
    """Add the subject's row, where it has updates, and return its timeline entries by their keys."""
    kind, subject_id = subject
    if kind is SubjectKind.RECORDING:
        recording, entries = settle_recording(subject_id, judged)
        settled.recordings += [recording] if judged else []
    else:
        livestream, entries = settle_livestream(subject_id, judged)
        settled.livestreams += [livestream] if judged else []
    return entries


def _updates(
    cursor: Cursor, subjects: Sequence[Subject], new: Sequence[Kept]
) -> Mapping[Subject, Sequence[_LedgerUpdate]]:
    """Return the updates of subjects, in the order of their ids, those of the batch among them.

    A repeat has no payload; it is read from that of another copy of its body.
    """
    keys = [[subject_id for _, subject_id in subjects], [kept.delivery.id for kept in new]]
    rows = [_Stored(*row) for row in cursor.execute(_OTHER_UPDATES, keys, prepare=True).fetchall()]
    rows += [_stored(kept) for kept in new]
    rows.sort(key=lambda row: row.id.int)
    bodies = {row.body_sha256: row for row in reversed(rows) if row.payload is not None or row.raw is not None}
    copies: dict[bytes, _Stored] = {}
    updates: dict[Subject, list[_LedgerUpdate]] = defaultdict(list)
    for row in rows:
        holder = bodies.get(row.body_sha256)
        if holder is None:
            continue
        reading = row.reading or _reading(row, holder, copies.get(row.body_sha256))
        row.reading = reading
        copies[row.body_sha256] = row
        if reading.facts is None or reading.facts.update is None:
            continue
        stated = reading.facts.update
        update = Update(
            row.id, row.received_at, row.delivery_uuid, row.body_sha256, stated.status, stated.session_id, stated.states
        )
        body = _Body(reading.facts, holder.payload, holder.raw, reading.error)
        updates[stated.kind, stated.subject_id].append(
            _LedgerUpdate(update, body, row.status, row.repeat_of, row.is_new)
        )
    return updates


def _reading(row: _Stored, holder: _Stored, former: _Stored | None) -> Reading:
    """Read a row of the ledger; a copy reads as the one before it, unless what that states lay too far ahead."""
    if (
        former is not None
        and former.reading is not None
        and former.reading.reads_the_same_later
        and (former.session_id, former.meeting_id) == (row.session_id, row.meeting_id)
    ):
        return former.reading
    return reading_of(holder.payload, holder.raw, row.received_at, row.session_id, row.meeting_id)


def _stored(kept: Kept) -> _Stored:
    delivery, reading = kept.delivery, kept.reading
    return _Stored(
        delivery.id,
        delivery.received_at,
        delivery.delivery_uuid,
        kept.body_sha256,
        Status.PROCESSED,
        None,
        reading.payload,
        reading.raw,
        reading.session_id,
        reading.meeting_id,
        reading,
        is_new=True,
    )


_FORGET: tuple[LiteralString, ...] = (
    """
    DELETE FROM rollcall.timeline AS entry
    USING rollcall.deliveries AS delivery
    WHERE delivery.subject_id = ANY(%b::text[]) AND entry.delivery_id = delivery.id
    """,
    "DELETE FROM rollcall.recordings WHERE id = ANY(%b::text[])",
    "DELETE FROM rollcall.livestreams WHERE stream_id = ANY(%b::text[])",
)


def forget_subjects(cursor: Cursor, subject_ids: Sequence[str]) -> None:
    """Empty the tables of subjects; their entries in the timelines go with the deliveries that the ledger has."""
    if subject_ids:
        for statement in _FORGET:
            cursor.execute(statement, [list(subject_ids)])
