"""The views for analytics, against a second computation that looks at each piece of time by itself."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.rows import dict_row

from tests.meaning import presence
from tests.meaning.generate import MORNING, worlds
from tests.meaning.ledger import ledger
from tests.meaning.reading import PROCESSED
from tests.meaning.tables import Connection, empty, tables
from tests.meaning.verdict import examples
from tests.meaning.work import connect, work_off
from workers.queue.delivery import Delivery
from workers.reading.scope import Scope

STARTED = datetime.now(UTC).replace(microsecond=0)
# Sessions of long ago; of today, so that some still go on; of yesterday, so that some have just been given up.
MORNINGS = [MORNING, STARTED - timedelta(hours=8), STARTED - timedelta(hours=30)]


# Times are whole microseconds, so a minute's sixth digit is a tie in one case of sixty: two computations that differ in
# their twentieth digit must not part there. No value lies this near to a tie.
_OFF_TIES = Decimal("1e-9")


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        yield opened


@examples(0.25)
@given(kept=st.sampled_from(MORNINGS).flatmap(lambda morning: worlds(morning=morning)))
def test_the_views_say_who_was_there_when_and_for_how_long(connection: Connection, kept: list[Delivery]) -> None:
    empty(connection)
    work_off([connection], [kept], Scope())
    with connection.transaction():
        # within a transaction now() stands still, for the views as for us
        now = _rows(connection, "SELECT now() AS now")[0]["now"]
        state = tables(connection)
        names = _last_names(kept, state["participants"])
        expected_attendance = [
            row | {"display_name": names[row["session_id"], row["person"]]} for row in presence.attendance(state, now)
        ]
        assert _view(connection, "attendance") == _comparable(expected_attendance)
        assert _view(connection, "session_summary") == _comparable(presence.session_summary(state, now))
        assert _view(connection, "daily_usage") == _comparable(presence.daily_usage(state, now))
        steps = [
            {"session_id": session, "at": at, "present": present}
            for session, changes in presence.concurrency(state, now).items()
            for at, present in changes
        ]
        assert _view(connection, "concurrency") == _comparable(steps)


def _last_names(kept: Sequence[Delivery], participants: Sequence[presence.Row]) -> dict[tuple[str, str], str | None]:
    """Return by session and person the name that was received last of any of the person's connections."""
    last: dict[tuple[str, str], str | None] = {}
    persons = {
        (row["session_id"], row["peer_id"]): row["custom_participant_id"] or row["peer_id"] for row in participants
    }
    for entry in ledger(kept, Scope()):
        peer = (str(entry.report.session_id), str(entry.report.peer_id))
        if entry.status == PROCESSED and peer in persons:
            key = (peer[0], persons[peer])
            last[key] = last.get(key) if entry.report.display_name is None else entry.report.display_name
    return last


def _view(connection: Connection, name: str) -> list[list[Any]]:
    return _comparable(_rows(connection, f"SELECT * FROM rollcall.{name}"))


def _rows(connection: Connection, query: str) -> list[dict[str, Any]]:
    connection.execute("SET timezone = 'UTC'")
    return connection.cursor(row_factory=dict_row).execute(query.encode()).fetchall()


def _comparable(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return rows in a fixed order, with columns by name and minutes rounded to a microsecond."""
    return sorted(
        [
            [
                (name, round(value + _OFF_TIES, 6) if isinstance(value, Decimal) else value)
                for name, value in sorted(row.items())
            ]
            for row in rows
        ],
        key=repr,
    )
