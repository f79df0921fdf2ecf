"""Merges the facts of observations into rows, before those are merged with the existing rows."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from workers.reading.facts import MeetingFact
from workers.reading.observed_facts import ObservedFacts
from workers.rules.names import rank_below_deliveries
from workers.rules.presence import OBSERVED_PARTICIPANTS, observed_participant_row
from workers.rules.sessions import OBSERVED_SESSIONS, observed_session_row, seen_session_row
from workers.rules.timeline import ObservedEntry, entries_of_connection, entries_of_session


class ObservedMerge:
    """The rows that result from observations, by table and key, and the entries that they state."""

    def __init__(self) -> None:
        self.sessions: dict[str, list[Any]] = {}
        self.participants: dict[tuple[str, str], list[Any]] = {}
        self.timeline: dict[UUID, ObservedEntry] = {}
        # Of these the entries that a former observation stated are gone, but for those above.
        self.subjects: set[str] = set()
        self._meetings: list[tuple[UUID, MeetingFact]] = []

    def add(  # noqa: PLR0913 - what there is to know of an observation
        self,
        observation_id: UUID,
        observed_at: datetime,
        session_id: str,
        organization_id: str | None,
        facts: ObservedFacts,
        *,
        is_changed: bool,
    ) -> None:
        """Merge what the last observation of a subject states, in the order of the observations' ids.

        Args:
            observation_id: the observation.
            observed_at: when it was made.
            session_id: the session that it is about.
            organization_id: the organization that it belongs to.
            facts: what it states.
            is_changed: whether the subject had another observation, whose entries are in the tables.
        """
        rank = rank_below_deliveries(observation_id)
        if facts.session is not None:
            row = observed_session_row(session_id, observation_id, observed_at, organization_id, facts.session)
            OBSERVED_SESSIONS.merge_into(self.sessions, session_id, rank, row)
            if is_changed:
                self.subjects.add(session_id)
            self._state(entries_of_session(session_id, observation_id, facts.session))
        for connection in facts.connections:
            key = (session_id, connection.peer_id)
            stated = observed_participant_row(session_id, observation_id, connection)
            OBSERVED_PARTICIPANTS.merge_into(self.participants, key, rank, stated)
            if is_changed:
                self.subjects.add(connection.peer_id)
            self._state(entries_of_connection(session_id, observation_id, connection))

    def see(  # noqa: PLR0913, PLR0917 - as above
        self,
        observation_id: UUID,
        observed_at: datetime,
        confirmed_at: datetime,
        session_id: str,
        organization_id: str | None,
        facts: ObservedFacts,
    ) -> None:
        """Merge what any kept observation states, the last of its subject or not, in the order of their ids.

        That the session is known, when it was live, and what its meeting is called.

        Args:
            observation_id: the observation.
            observed_at: when it was made.
            confirmed_at: when the API last said the same.
            session_id: the session that it is about.
            organization_id: the organization that it belongs to.
            facts: what it states.
        """
        session = facts.session
        rank = rank_below_deliveries(observation_id)
        live_at = confirmed_at if session is not None and session.is_live else None
        OBSERVED_SESSIONS.merge_into(
            self.sessions, session_id, rank, seen_session_row(session_id, observed_at, live_at)
        )
        if session is not None and session.meeting_id is not None:
            fact = MeetingFact(session.meeting_id, organization_id, session.title, None, None)
            self._meetings.append((rank, fact))

    def meetings(self) -> Iterator[tuple[UUID, MeetingFact]]:
        """Yield what was stated about meetings, each with what stands for the observation's id."""
        yield from self._meetings

    def _state(self, entries: Iterator[ObservedEntry]) -> None:
        for entry in entries:
            self.timeline[entry.id] = entry
