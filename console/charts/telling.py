"""What the tables say about a session, for its chart."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from console.charts.session import Told
from console.queries.session import concurrency_of, connections_of, entries_about_files, recordings_of, reports_of
from console.queries.tables import Row, Tables

# Without an end a session counts for a day after its last event.
_COUNTED = timedelta(hours=24)


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
