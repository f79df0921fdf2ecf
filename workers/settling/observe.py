"""Settling answers of the vendor's API: one transaction that makes them observations and rows of the tables.

    read → lock → keep what is new → recordings → merge → write → rebuild what states less → names → marks

Any order and repetition of answers gives the same tables: of a subject the last answer counts, whole.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from workers.queue.observation import Answers, Observation, ObservedKind
from workers.reading.facts import SubjectKind
from workers.reading.observations import read_observation
from workers.reading.observed_facts import ObservedFacts
from workers.reading.scope import Scope
from workers.rules.merge import Merge
from workers.rules.recording import ObservedState
from workers.settling.names import write_names
from workers.settling.rebuild import rebuild_sessions
from workers.settling.subjects import settle_subjects
from workers.settling.write import write_sessions
from workers.tables.arrays import Cursor
from workers.tables.locks import lock
from workers.tables.lookups import look_up
from workers.tables.marks import mark
from workers.tables.observations import KeptObservation, StoredObservation, Subject, confirm, keep, last_of


class Observed(msgspec.Struct, frozen=True):
    """The result of settling answers.

    Attributes:
        kept: how many observations were new or had changed.
        confirmed: how many said what the last one of their subject said.
        passed_over: how many were known, older than what is known, or outside the scope.
        sessions: those with a row written or removed.
        complete: those of which everything that was asked for is in the tables now.
        is_marked: whether `automations` has something to look at.
    """

    kept: int = 0
    confirmed: int = 0
    passed_over: int = 0
    sessions: frozenset[str] = frozenset()
    complete: frozenset[str] = frozenset()
    is_marked: bool = False


def observe(connection: psycopg.Connection[Any], answers: Answers, scope: Scope) -> Observed:
    """Write answers into `observations` and the tables, in the transaction that is open.

    Raises:
        psycopg.Error: the transaction can't commit.
    """
    # A pipeline sends statements that return nothing in one go.
    with connection.cursor() as cursor, connection.pipeline():
        return _observe(cursor, answers, scope)


def _observe(cursor: Cursor, answers: Answers, scope: Scope) -> Observed:
    ours = [one for one in answers.observations if _is_ours(one, scope)]
    read = [
        KeptObservation(one, read_observation(one.kind, one.subject_id, one.body, one.observed_at))
        for one in sorted(ours, key=lambda one: one.id.int)
    ]
    sessions = {one.session_id for one in ours if one.session_id is not None}
    sessions |= {one.session_id for one in answers.lookups}
    recordings = sorted({(SubjectKind.RECORDING, one.subject_id) for one in ours if one.kind is ObservedKind.RECORDING})
    lock(cursor, sessions, recordings)
    sorted_out = _SortedOut(last_of(cursor, [one.subject for one in read]), read)
    keep(cursor, sorted_out.new)
    confirm(cursor, [(stored.id, one.observation.observed_at) for stored, one in sorted_out.same])
    changed = {one.observation.session_id for one in sorted_out.new} - {None}
    complete = look_up(cursor, answers.lookups, sessions)
    if sorted_out.new or sorted_out.same:
        changed |= _write(cursor, sorted_out)
    done = frozenset(one for one in changed if one is not None)
    return Observed(
        len(sorted_out.new),
        len(sorted_out.same),
        len(answers.observations) - len(sorted_out.new) - len(sorted_out.same),
        done,
        frozenset(complete),
        mark(cursor, done) and cursor.rowcount > 0,
    )


def _write(cursor: Cursor, sorted_out: "_SortedOut") -> set[str | None]:
    new = sorted_out.new
    recordings = {one.observation.subject_id for one in new if one.observation.kind is ObservedKind.RECORDING}
    first_observed = sorted_out.first_observed()
    subjects = [(SubjectKind.RECORDING, one) for one in sorted(recordings)]
    settled = settle_subjects(cursor, subjects, first_observed=first_observed)
    settled.entries, settled.gone = settled.all_entries, []
    settled.observed_recordings -= first_observed.keys()
    merge = Merge()
    for observation_id, one in sorted([(one.observation.id, one) for one in new], key=lambda pair: pair[0].int):
        session_id = one.observation.session_id
        if session_id is None:
            continue
        at, organization_id = one.observation.observed_at, one.observation.organization_id
        merge.observed.see(observation_id, at, at, session_id, organization_id, one.facts)
        if sorted_out.is_last(one):
            is_changed = sorted_out.is_changed(one)
            merge.observed.add(observation_id, at, session_id, organization_id, one.facts, is_changed=is_changed)
    for stored, one in sorted_out.same:
        if stored.session_id is not None and stored.kind == ObservedKind.SESSION:
            at = one.observation.observed_at
            merge.observed.see(stored.id, stored.observed_at, at, stored.session_id, stored.organization_id, one.facts)
    merge.name_observed()
    for delivery_id, received_at, facts in sorted(settled.counting, key=lambda one: one[0].int):
        merge.add(delivery_id, received_at, facts)
    write_sessions(cursor, merge, settled)
    rebuilt = sorted_out.sessions_with_less()
    rebuild_sessions(cursor, rebuilt)
    write_names(cursor, merge, settled.withdrawn)
    return {*settled.sessions, *rebuilt}


class _SortedOut:
    """Which observations of a batch are new or have changed, and which say the same as the last one."""

    def __init__(self, known: dict[Subject, StoredObservation], read: Sequence[KeptObservation]) -> None:
        self.new: list[KeptObservation] = []
        self.same: list[tuple[StoredObservation, KeptObservation]] = []
        self._known = known
        self._last: dict[Subject, KeptObservation] = {}
        for one in read:
            self._sort(one)

    def is_last(self, one: KeptObservation) -> bool:
        """Return whether a new observation is the last of its subject."""
        return self._last[one.subject] is one

    def is_changed(self, one: KeptObservation) -> bool:
        """Return whether the subject of an observation had another one in the tables."""
        return one.subject in self._known

    def first_observed(self) -> dict[str, list[ObservedState]]:
        """Return all observations of the recordings that had none before, ordered by id; those that can be read."""
        states: dict[str, list[ObservedState]] = {}
        for one in self.new:
            observation, recording = one.observation, one.facts.recording
            if observation.kind is ObservedKind.RECORDING and not self.is_changed(one):
                of_this = states.setdefault(observation.subject_id, [])
                if recording is not None:
                    state = ObservedState(observation.id, observation.observed_at, observation.session_id, recording)
                    of_this.append(state)
        return states

    def sessions_with_less(self) -> set[str]:
        """Return the sessions of which a new observation no longer states what the one before it stated.

        Merging can only add, so these are rebuilt.
        """
        return {
            one.observation.session_id
            for one in self._last.values()
            if one.observation.session_id is not None
            and one.subject in self._known
            and states_less(self._known[one.subject].facts(), one.facts)
        }

    def _sort(self, one: KeptObservation) -> None:
        observation = one.observation
        before = self._last.get(one.subject)
        if before is not None:
            if before.reading.digest != one.reading.digest or _is_over(before, one):
                self._take(one)
            return
        known = self._known.get(one.subject)
        if known is None:
            self._take(one)
        elif known.id.int >= observation.id.int or known.confirmed_at >= observation.observed_at:
            return
        elif known.digest == one.reading.digest and not _has_new_links(known, one):
            self.same.append((known, one))
        else:
            self._take(one)

    def _take(self, one: KeptObservation) -> None:
        self.new.append(one)
        self._last[one.subject] = one


def states_less(before: ObservedFacts, now: ObservedFacts) -> bool:
    """Return whether an answer lacks something that can't be taken back by merging: a connection, an id or a name.

    The last observation's times replace those before by themselves.
    """
    peers = {connection.peer_id: connection for connection in now.connections}
    if any(
        connection.peer_id not in peers
        or _lacks(connection.custom_participant_id, peers[connection.peer_id].custom_participant_id)
        or _lacks(connection.display_name, peers[connection.peer_id].display_name)
        for connection in before.connections
    ):
        return True
    if before.session is None:
        return False
    if now.session is None:
        return True
    return (
        _lacks(before.session.title, now.session.title)
        or _lacks(before.session.meeting_id, now.session.meeting_id)
        # Those who were there until the end are there again.
        or (before.session.ended_at is not None and now.session.ended_at is None)
    )


def _lacks(before: str | None, now: str | None) -> bool:
    return before is not None and now is None


def _has_new_links(known: StoredObservation, one: KeptObservation) -> bool:
    """Return whether the links of the known observation have ended, and this one has others."""
    expires_at = known.read().link_expires_at if known.kind == ObservedKind.RECORDING else None
    return expires_at is not None and expires_at <= one.observation.observed_at < (
        one.reading.link_expires_at or one.observation.observed_at
    )


def _is_over(before: KeptObservation, one: KeptObservation) -> bool:
    expires_at = before.reading.link_expires_at
    return expires_at is not None and expires_at <= one.observation.observed_at


def _is_ours(one: Observation, scope: Scope) -> bool:
    named = frozenset() if one.organization_id is None else frozenset({one.organization_id})
    return scope.admits_organizations(named, may_be_none=False)
