"""Writes the merge of a batch, and its settled subjects, into the tables."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, LiteralString

import msgspec

from workers.rules.columns import by_column
from workers.rules.merge import Merge, Merged
from workers.rules.recording import RANKS
from workers.rules.timeline import PARTICIPANT_ENTRIES, SESSION_ENTRIES, Entry, EntryKey, ObservedEntry
from workers.settling.subjects import SettledSubjects
from workers.tables import statements
from workers.tables.arrays import Cursor, write_columns, write_rows

_encode = msgspec.json.Encoder().encode

RECORDING_ENTRIES = tuple(f"recording.{status.lower()}" for status in RANKS)


def write_sessions(cursor: Cursor, merge: Merge, settled: SettledSubjects) -> None:
    """Write what a batch states about sessions and what happened in them."""
    _write_merged(cursor, statements.SESSIONS, merge.sessions)
    _write_merged(cursor, statements.OBSERVED_SESSIONS, merge.observed.sessions)
    _write_merged(cursor, statements.PARTICIPANTS, merge.participants)
    _write_merged(cursor, statements.OBSERVED_PARTICIPANTS, merge.observed.participants)
    write_rows(cursor, statements.PARTICIPANT_EVENTS, [row for _, row in sorted(merge.participant_events.items())])
    withdraw_entries(cursor, settled.gone)
    write_timeline(cursor, [*merge.timeline.values(), *settled.entries])
    _withdraw_observed_entries(cursor, merge.observed.subjects, (*SESSION_ENTRIES, *PARTICIPANT_ENTRIES))
    _withdraw_observed_entries(cursor, settled.observed_recordings, RECORDING_ENTRIES)
    _write_observed_entries(cursor, [*merge.observed.timeline.values(), *settled.observed_entries])
    _write_merged(cursor, statements.ARTIFACTS, merge.artifacts)
    write_rows(cursor, statements.RECORDINGS, sorted(settled.recordings, key=attrgetter("id")))
    write_rows(cursor, statements.LIVESTREAMS, sorted(settled.livestreams, key=attrgetter("stream_id")))


def _write_observed_entries(cursor: Cursor, entries: Iterable[ObservedEntry]) -> None:
    """Write entries of observations; those that events report too are left out."""
    rows = [
        (
            entry.id,
            entry.session_id,
            entry.kind,
            entry.subject_id,
            entry.occurred_at,
            _encode(entry.detail).decode(),
            entry.observation_id,
        )
        for entry in sorted(entries, key=attrgetter("id"))
    ]
    if rows:
        columns = list(zip(*rows, strict=True))
        write_columns(cursor, statements.TIMELINE_OBSERVED, [sorted(set(columns[1])), *columns])


def write_meetings(cursor: Cursor, merge: Merge) -> None:
    """Write what a batch states about meetings."""
    _write_merged(cursor, statements.MEETINGS, merge.meetings)


def write_organizations(cursor: Cursor, merge: Merge) -> None:
    """Write what a batch states about organizations."""
    _write_merged(cursor, statements.ORGANIZATIONS, merge.organizations)


def withdraw_entries(cursor: Cursor, gone: Sequence[EntryKey]) -> None:
    """Delete entries from the timeline."""
    of_sessions = [key for key in gone if key[0] is not None]
    others = [key[1:] for key in gone if key[0] is None]
    if of_sessions:
        write_columns(cursor, statements.TIMELINE_WITHDRAWN, list(zip(*of_sessions, strict=True)))
    if others:
        write_columns(cursor, statements.TIMELINE_WITHDRAWN_WITHOUT_SESSION, list(zip(*others, strict=True)))


def write_timeline(cursor: Cursor, entries: Iterable[Entry]) -> None:
    """Write entries to the timeline; of two with the same key, the earlier delivery's is kept."""
    rows = [
        (
            entry.session_id,
            entry.kind,
            entry.subject_id,
            entry.occurred_at,
            _encode(entry.detail).decode(),
            entry.delivery_id,
        )
        for entry in sorted(entries, key=lambda one: (one.session_id or "", one.occurred_at, one.kind, one.subject_id))
    ]
    if rows:
        columns = list(zip(*rows, strict=True))
        write_columns(cursor, statements.TIMELINE_OVER_OBSERVED, columns[:3])
        write_columns(cursor, statements.TIMELINE, columns)


def _withdraw_observed_entries(cursor: Cursor, subjects: Collection[str], kinds: Sequence[str]) -> None:
    """Delete the entries of these kinds that observations of subjects stated: peers, sessions or recordings."""
    if subjects:
        write_columns(cursor, statements.TIMELINE_OBSERVED_WITHDRAWN, [sorted(subjects), kinds])


def _write_merged(cursor: Cursor, statement: LiteralString, merged: Mapping[Any, Merged]) -> None:
    if merged:
        write_columns(cursor, statement, by_column(merged))
