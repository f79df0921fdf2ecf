"""Merging the facts of many deliveries into rows, before they meet the rows that are there.

Every column is the earliest, the latest, or the last received of what was stated, so that the order of merging
changes nothing. Where the last received wins, `<name>_by` holds the id of its delivery: ids sort as times do.
Deliveries are merged in the order of their ids, so here the later one simply overwrites.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from workers.reading.facts import ArtifactFact, Facts, MeetingFact, OrganizationFact, ParticipantFact, SessionFact
from workers.rules.timeline import Entry, EntryKey, entries_of, participant_time


class OrganizationRow(msgspec.Struct):
    """What a batch states of an organization."""

    id: str
    name: str | None = None
    name_by: UUID | None = None


class MeetingRow(msgspec.Struct):
    """What a batch states of a meeting."""

    id: str
    organization_id: str | None = None
    title: str | None = None
    room_name: str | None = None
    created_at: datetime | None = None
    organization_by: UUID | None = None
    title_by: UUID | None = None
    room_name_by: UUID | None = None


class SessionRow(msgspec.Struct):
    """What a batch states of a session."""

    id: str
    meeting_id: str | None = None
    organization_id: str | None = None
    title: str | None = None
    end_reason: str | None = None
    last_event_at: datetime | None = None
    meeting_by: UUID | None = None
    organization_by: UUID | None = None
    title_by: UUID | None = None
    end_reason_by: UUID | None = None
    stated_started_at: datetime | None = None
    noticed_started_at: datetime | None = None
    stated_ended_at: datetime | None = None
    noticed_ended_at: datetime | None = None


class ParticipantRow(msgspec.Struct):
    """What a batch states of one connection."""

    session_id: str
    peer_id: str
    custom_participant_id: str | None = None
    display_name: str | None = None
    custom_participant_by: UUID | None = None
    display_name_by: UUID | None = None
    stated_joined_at: datetime | None = None
    noticed_joined_at: datetime | None = None
    last_joined_at: datetime | None = None
    last_left_at: datetime | None = None


class ArtifactRow(msgspec.Struct):
    """What a batch states of a chat dump, a transcript or a summary."""

    session_id: str
    kind: str
    download_url: str | None = None
    download_url_expires_at: datetime | None = None
    download_url_by: UUID | None = None
    expires_by: UUID | None = None


class ParticipantEventRow(msgspec.Struct):
    """A join or a leave, as it was reported."""

    session_id: str
    peer_id: str
    kind: str
    occurred_at: datetime
    delivery_id: UUID


class Merge:
    """The rows that a batch of deliveries makes, by table and key."""

    def __init__(self) -> None:
        self.organizations: dict[str, OrganizationRow] = {}
        self.meetings: dict[str, MeetingRow] = {}
        self.sessions: dict[str, SessionRow] = {}
        self.participants: dict[tuple[str, str], ParticipantRow] = {}
        self.participant_events: dict[tuple[str, str, str, datetime], ParticipantEventRow] = {}
        self.artifacts: dict[tuple[str, str], ArtifactRow] = {}
        self.timeline: dict[EntryKey, Entry] = {}

    def add(self, delivery_id: UUID, received_at: datetime, facts: Facts) -> None:
        """Merge one delivery's facts. Deliveries come in the order of their ids."""
        if facts.organization is not None:
            self.name_organization(delivery_id, facts.organization)
        if facts.meeting is not None:
            self.name_meeting(delivery_id, facts.meeting)
        if facts.session is not None:
            self._session(delivery_id, received_at, facts.session)
            if facts.participant is not None:
                self._participant(delivery_id, received_at, facts.session.id, facts.participant)
            if facts.artifact is not None:
                self._artifact(delivery_id, facts.session.id, facts.artifact)
        for entry in entries_of(facts, delivery_id, received_at):
            self.timeline.setdefault(entry.key, entry)

    def name_organization(self, delivery_id: UUID, fact: OrganizationFact) -> None:
        """Merge what a delivery says of an organization."""
        row = self.organizations.get(fact.id) or self.organizations.setdefault(fact.id, OrganizationRow(fact.id))
        if fact.name is not None:
            row.name, row.name_by = fact.name, delivery_id

    def name_meeting(self, delivery_id: UUID, fact: MeetingFact) -> None:
        """Merge what a delivery says of a meeting."""
        row = self.meetings.get(fact.id) or self.meetings.setdefault(fact.id, MeetingRow(fact.id))
        if fact.organization_id is not None:
            row.organization_id, row.organization_by = fact.organization_id, delivery_id
        if fact.title is not None:
            row.title, row.title_by = fact.title, delivery_id
        if fact.room_name is not None:
            row.room_name, row.room_name_by = fact.room_name, delivery_id
        row.created_at = earliest(row.created_at, fact.created_at)

    def _session(self, delivery_id: UUID, received_at: datetime, fact: SessionFact) -> None:
        row = self.sessions.get(fact.id) or self.sessions.setdefault(fact.id, SessionRow(fact.id))
        row.last_event_at = latest(row.last_event_at, received_at)
        if fact.meeting_id is not None:
            row.meeting_id, row.meeting_by = fact.meeting_id, delivery_id
        if fact.organization_id is not None:
            row.organization_id, row.organization_by = fact.organization_id, delivery_id
        if fact.title is not None:
            row.title, row.title_by = fact.title, delivery_id
        if fact.end_reason is not None:
            row.end_reason, row.end_reason_by = fact.end_reason, delivery_id
        row.stated_started_at = earliest(row.stated_started_at, fact.started_at)
        row.stated_ended_at = latest(row.stated_ended_at, fact.ended_at)
        if fact.starts and fact.started_at is None:
            row.noticed_started_at = earliest(row.noticed_started_at, received_at)
        if fact.ends and fact.ended_at is None:
            row.noticed_ended_at = latest(row.noticed_ended_at, received_at)

    def _participant(self, delivery_id: UUID, received_at: datetime, session_id: str, fact: ParticipantFact) -> None:
        key = (session_id, fact.peer_id)
        row = self.participants.get(key) or self.participants.setdefault(key, ParticipantRow(*key))
        if fact.custom_participant_id is not None:
            row.custom_participant_id, row.custom_participant_by = fact.custom_participant_id, delivery_id
        if fact.display_name is not None:
            row.display_name, row.display_name_by = fact.display_name, delivery_id
        row.stated_joined_at = earliest(row.stated_joined_at, fact.joined_at)
        row.last_joined_at = latest(row.last_joined_at, fact.joined_at)
        if fact.kind == "joined" and fact.joined_at is None:
            row.noticed_joined_at = earliest(row.noticed_joined_at, received_at)
            row.last_joined_at = latest(row.last_joined_at, received_at)
        if fact.kind == "left":
            row.last_left_at = latest(row.last_left_at, fact.left_at)
        event = ParticipantEventRow(*key, fact.kind, participant_time(fact, received_at), delivery_id)
        self.participant_events.setdefault((*key, event.kind, event.occurred_at), event)

    def _artifact(self, delivery_id: UUID, session_id: str, fact: ArtifactFact) -> None:
        key = (session_id, fact.kind)
        row = self.artifacts.get(key) or self.artifacts.setdefault(key, ArtifactRow(*key))
        if fact.download_url is not None:
            row.download_url, row.download_url_by = fact.download_url, delivery_id
        if fact.download_url_expires_at is not None:
            row.download_url_expires_at, row.expires_by = fact.download_url_expires_at, delivery_id


def earliest(known: datetime | None, stated: datetime | None) -> datetime | None:
    """Return the earlier of two times, of which either may be missing."""
    if known is None or stated is None:
        return stated if known is None else known
    return min(known, stated)


def latest(known: datetime | None, stated: datetime | None) -> datetime | None:
    """Return the later of two times, of which either may be missing."""
    if known is None or stated is None:
        return stated if known is None else known
    return max(known, stated)
