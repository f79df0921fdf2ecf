"""Reads the kept observations of sessions again, to rebuild the sessions' tables with them."""

from collections.abc import Iterable, Sequence

from workers.queue.observation import ObservedKind
from workers.reading.facts import SubjectKind
from workers.rules.merge import Merge
from workers.tables.arrays import Cursor
from workers.tables.locks import Subject
from workers.tables.observations import StoredObservation, of_sessions


def observe_again(cursor: Cursor, merge: Merge, session_ids: Sequence[str]) -> set[Subject]:
    """Merge the observations of sessions, before any delivery; return the recordings that they are about.

    Args:
        cursor: in a transaction that has locked the sessions.
        merge: they are added to it, with the names of their meetings and organizations.
        session_ids: the sessions.
    """
    if not session_ids:
        return set()
    observations = [(one, one.session_id, one.facts()) for one in of_sessions(cursor, session_ids)]
    last = {one.subject: one.id for one, _, _ in observations}
    for one, session_id, facts in observations:
        if session_id is None:
            continue
        merge.observed.see(one.id, one.observed_at, one.confirmed_at, session_id, one.organization_id, facts)
        if last[one.subject] == one.id:
            merge.observed.add(one.id, one.observed_at, session_id, one.organization_id, facts, is_changed=False)
    merge.name_observed()
    return recordings_of(one for one, _, _ in observations)


def recordings_of(observations: Iterable[StoredObservation]) -> set[Subject]:
    """Return the recordings that observations are about."""
    return {(SubjectKind.RECORDING, one.subject_id) for one in observations if one.kind == ObservedKind.RECORDING}
