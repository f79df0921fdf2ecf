"""What the tables say about a session, for its chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from console.queries.session import concurrency_of, connections_of, entries_about_files, recordings_of, reports_of
from console.queries.tables import Row, Tables

# Without an end a session counts for a day after its last event.
_COUNTED = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Told:
    """What the tables say about a session.

    Attributes:
        session: its row.
        connections: the rows of its participants, each with `present_until`.
        recordings: its recordings.
        entries: the timeline's entries about recordings and files.
        concurrency: when the number of connections changed.
        reports: the deliveries that report joins and leaves, by connection and kind.
        until: until when a session without an end counts.
    """

    session: Row
    connections: Sequence[Row]
    recordings: Sequence[Row]
    entries: Sequence[Row]
    concurrency: Sequence[Row]
    reports: Mapping[tuple[str, str], Any]
    until: datetime

    def place_of_join(self, connection: Row) -> str | None:
        """Return the address of the delivery or observation that states a connection's beginning."""
        return self._place(connection, "joined")

    def place_of_leave(self, connection: Row) -> str | None:
        """Likewise, its end."""
        return self._place(connection, "left")

    def _place(self, connection: Row, kind: str) -> str | None:
        delivery = self.reports.get((connection["peer_id"], kind))
        observed = connection["observed_by"] if connection[f"{kind}_source"] == "api" else None
        return place_of({"delivery_id": None if observed else delivery, "observation_id": observed})


def place_of(entry: Row) -> str | None:
    """Return the address of the delivery or the observation that an entry names."""
    if entry["delivery_id"] is not None:
        return f"/deliveries/{entry['delivery_id']}"
    return f"/observations/{entry['observation_id']}" if entry["observation_id"] is not None else None


def tell(tables: Tables, session: Row, now: datetime, connections: Sequence[Row] | None = None) -> Told:
    """Return what there is to draw.

    Args:
        tables: where.
        session: its row.
        now: until when what goes on counts.
        connections: those to draw; None: all.
    """
    session_id = session["id"]
    return Told(
        session=session,
        connections=connections_of(tables, session_id) if connections is None else connections,
        recordings=recordings_of(tables, session_id),
        entries=entries_about_files(tables, session_id),
        concurrency=concurrency_of(tables, session_id),
        reports=reports_of(tables, session_id),
        until=min(now, session["last_event_at"] + _COUNTED),
    )
