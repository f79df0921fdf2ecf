"""Merges the facts of many deliveries into rows, before those are merged with the existing rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from workers.reading.facts import Facts, MeetingFact, OrganizationFact, ParticipantFact, PresenceKind
from workers.rules.artifacts import ARTIFACTS, artifact_row
from workers.rules.names import MEETINGS, ORGANIZATIONS
from workers.rules.observing import ObservedMerge
from workers.rules.presence import PARTICIPANTS, ParticipantEventRow, happened_at, participant_row
from workers.rules.sessions import SESSIONS, session_row
from workers.rules.timeline import Entry, EntryKey, entries_of

Merged = list[Any]
"""The values of a row in the order of its table's columns (`workers.rules.columns.Columns.names`)."""


class Merge:
    """The rows that result from a batch of deliveries, by table and key."""

    def __init__(self) -> None:
        self.organizations: dict[str, Merged] = {}
        self.meetings: dict[str, Merged] = {}
        self.sessions: dict[str, Merged] = {}
        self.participants: dict[tuple[str, str], Merged] = {}
        self.participant_events: dict[tuple[str, str, PresenceKind, datetime], ParticipantEventRow] = {}
        self.artifacts: dict[tuple[str, str], Merged] = {}
        self.timeline: dict[EntryKey, Entry] = {}
        self.observed = ObservedMerge()

    @classmethod
    def of(cls, stated: Iterable[tuple[UUID, datetime, Facts]]) -> "Merge":
        """Return the merge of deliveries, given as id, `received_at` and facts, in any order."""
        merge = cls()
        for delivery_id, received_at, facts in sorted(stated, key=lambda one: one[0].int):
            merge.add(delivery_id, received_at, facts)
        return merge

    def name_observed(self) -> None:
        """Merge what the observations state about meetings and organizations. Call it before adding deliveries."""
        for rank, meeting in self.observed.meetings():
            self.name_meeting(rank, meeting)
            if meeting.organization_id is not None:
                self.name_organization(rank, OrganizationFact(meeting.organization_id, None))

    def add(self, delivery_id: UUID, received_at: datetime, facts: Facts) -> None:
        """Merge one delivery's facts. Call it in the order of the deliveries' ids."""
        if facts.organization is not None:
            self.name_organization(delivery_id, facts.organization)
        if facts.meeting is not None:
            self.name_meeting(delivery_id, facts.meeting)
        session = facts.session
        if session is not None:
            SESSIONS.merge_into(self.sessions, session.id, delivery_id, session_row(session, received_at))
            if facts.participant is not None:
                self._participant(delivery_id, received_at, session.id, facts.participant)
            if facts.artifact is not None:
                row = artifact_row(session.id, facts.artifact)
                ARTIFACTS.merge_into(self.artifacts, (row.session_id, row.kind), delivery_id, row)
        for entry in entries_of(facts, delivery_id, received_at):
            self.timeline.setdefault(entry.key, entry)

    def name_organization(self, delivery_id: UUID, fact: OrganizationFact) -> None:
        """Merge what a delivery states about an organization."""
        ORGANIZATIONS.merge_into(self.organizations, fact.id, delivery_id, fact)

    def name_meeting(self, delivery_id: UUID, fact: MeetingFact) -> None:
        """Merge what a delivery states about a meeting."""
        MEETINGS.merge_into(self.meetings, fact.id, delivery_id, fact)

    def _participant(self, delivery_id: UUID, received_at: datetime, session_id: str, fact: ParticipantFact) -> None:
        key = (session_id, fact.peer_id)
        PARTICIPANTS.merge_into(self.participants, key, delivery_id, participant_row(session_id, fact, received_at))
        event = ParticipantEventRow(*key, fact.kind, happened_at(fact, received_at), delivery_id)
        self.participant_events.setdefault((*key, event.kind, event.occurred_at), event)
