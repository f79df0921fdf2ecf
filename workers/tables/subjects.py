"""Recordings and livestreams: all updates of one subject are read from the ledger again and settled together.

They are few, and what one of them means depends on those received before it, whichever was processed first.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from workers.reading.facts import Facts, SubjectKind
from workers.reading.reading import read
from workers.rules.livestream import LivestreamRow, settle_livestream
from workers.rules.recording import RecordingRow, settle_recording
from workers.rules.timeline import Entry, EntryKey
from workers.rules.updates import Judged, Update, judge
from workers.scope import Scope
from workers.status import Status
from workers.tables.ledger import Kept, Withdrawn, become_repeats
from workers.tables.locks import Subject, lock
from workers.tables.rows import Cursor, write_columns

_UPDATES = """
SELECT id, received_at, delivery_uuid, body_sha256, status, repeat_of, payload::text, raw
FROM rollcall.deliveries
WHERE subject_id = ANY(%b::text[]) AND status IN ('processed', 'repeat')
ORDER BY id
"""

# A repeat holds no payload of its own; one that counts after all gets that of a copy.
_COUNT = """
UPDATE rollcall.deliveries AS delivery
SET status = 'processed', repeat_of = NULL, payload = new.payload::jsonb, raw = new.raw, error = new.error
FROM unnest(%b::uuid[], %b::text[], %b::bytea[], %b::text[]) AS new (id, payload, raw, error)
WHERE delivery.id = new.id
"""


class _LedgerUpdate(msgspec.Struct):
    update: Update
    facts: Facts
    payload: str | None
    raw: bytes | None
    error: str | None
    stored_status: str
    stored_repeat_of: UUID | None


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

    Parameters:
        cursor: in the transaction that wrote `new` into the ledger.
        subjects: kind and id.
        new: the deliveries of this batch; the tables hold what the others came to.
    """
    settled = SettledSubjects()
    if not subjects:
        return settled
    lock(cursor, (), subjects)
    new_ids = {kept.delivery.id for kept in new}
    ledger = _updates(cursor, subjects, {kept.delivery.id: kept for kept in new})
    to_repeat: list[tuple[UUID, UUID]] = []
    to_count: list[_LedgerUpdate] = []
    for subject in subjects:
        rows = {row.update.id: row for row in ledger[subject]}
        updates = [row.update for row in ledger[subject]]
        after = judge(updates)
        before = judge([update for update in updates if update.id not in new_ids])
        for one in after:
            row = rows[one.update.id]
            if one.counts and (one.update.id in new_ids or row.stored_status != Status.PROCESSED):
                settled.counting.append((one.update.id, one.update.received_at, row.facts))
            if one.counts and row.stored_status != Status.PROCESSED:
                to_count.append(row)
            if not one.counts and (row.stored_status != Status.REPEAT or row.stored_repeat_of != one.first):
                to_repeat.append((one.update.id, one.first))
                if row.stored_status == Status.PROCESSED and one.update.id not in new_ids:
                    settled.withdrawn.append(Withdrawn(one.update.id, one.first, row.facts))
        _settle(subject, before, after, settled)
    if to_count:
        write_columns(
            cursor,
            _COUNT,
            (
                [row.update.id for row in to_count],
                [row.payload for row in to_count],
                [row.raw for row in to_count],
                [row.error for row in to_count],
            ),
        )
    become_repeats(cursor, [one[0] for one in to_repeat], [one[1] for one in to_repeat])
    return settled


def _settle(subject: Subject, before: list[Judged], after: list[Judged], settled: SettledSubjects) -> None:
    kind, subject_id = subject
    if kind is SubjectKind.RECORDING:
        _, entries_before = settle_recording(subject_id, before)
        recording, entries = settle_recording(subject_id, after)
        settled.recordings += [recording] if after else []
    else:
        _, entries_before = settle_livestream(subject_id, before)
        livestream, entries = settle_livestream(subject_id, after)
        settled.livestreams += [livestream] if after else []
    settled.all_entries += entries.values()
    settled.entries += [entry for key, entry in entries.items() if entries_before.get(key) != entry]
    settled.gone += [key for key, entry in entries_before.items() if entries.get(key) != entry]


def _updates(cursor: Cursor, subjects: Sequence[Subject], new: dict[UUID, Kept]) -> dict[Subject, list[_LedgerUpdate]]:
    """Read the updates of subjects. A repeat has no payload; its facts are those of another copy of its body."""
    rows = cursor.execute(_UPDATES, [[subject_id for _, subject_id in subjects]], prepare=True).fetchall()
    opened: dict[bytes, tuple[Facts, str | None, bytes | None, str | None]] = {}
    for delivery_id, _, _, body_sha256, _, _, payload, raw in rows:
        if body_sha256 in opened or (payload is None and raw is None):
            continue
        known = new.get(delivery_id)
        reading = known.reading if known else read(payload.encode() if payload is not None else raw, None, Scope())
        if reading.facts is not None:
            opened[body_sha256] = (reading.facts, payload, raw, reading.error)
    updates: dict[Subject, list[_LedgerUpdate]] = defaultdict(list)
    for delivery_id, received_at, delivery_uuid, body_sha256, status, repeat_of, _, _ in rows:
        if body_sha256 not in opened:
            continue
        facts, payload, raw, error = opened[body_sha256]
        stated = facts.update
        if stated is None:
            continue
        update = Update(
            delivery_id, received_at, delivery_uuid, body_sha256, stated.status, stated.session_id, stated.states
        )
        row = _LedgerUpdate(update, facts, payload, raw, error, status, repeat_of)
        updates[stated.kind, stated.subject_id].append(row)
    return updates


_FORGET: tuple[LiteralString, ...] = (
    """
    DELETE FROM rollcall.timeline
    WHERE subject_id = ANY(%b::text[]) AND session_id IS NULL AND kind LIKE ANY(ARRAY['recording.%%', 'livestream.%%'])
    """,
    "DELETE FROM rollcall.recordings WHERE id = ANY(%b::text[])",
    "DELETE FROM rollcall.livestreams WHERE stream_id = ANY(%b::text[])",
)


def forget_subjects(cursor: Cursor, subject_ids: Sequence[str]) -> None:
    """Empty the tables of subjects, their entries in the timelines of sessions aside."""
    if subject_ids:
        for statement in _FORGET:
            cursor.execute(statement, [list(subject_ids)])
