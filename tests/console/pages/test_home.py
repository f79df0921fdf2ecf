"""`/`: how things stand now."""

import csv
import io
from datetime import UTC, datetime, timedelta

from tests.console.commands.rows import delivery, insert, participant, session
from tests.console.pages.running import READER, RunningConsole

NOW = datetime.now(UTC)


def test_live_sessions_show_who_is_in_them(console: RunningConsole, database_url: str) -> None:
    began = NOW - timedelta(minutes=5)
    session(database_url, title="Algebra", started_at=began, last_event_at=NOW)
    session(database_url, "over", title="History", status="ended", started_at=began, last_event_at=NOW)
    session(
        database_url, "stale", title="Lost", started_at=NOW - timedelta(days=2), last_event_at=NOW - timedelta(days=2)
    )
    participant(database_url, "p1", custom_participant_id="student-1", display_name="Ada", joined_at=began)
    participant(database_url, "p2", custom_participant_id="student-1", display_name="Ada", joined_at=began)
    participant(
        database_url, "p3", custom_participant_id="student-2", display_name="Ben", joined_at=began, left_at=NOW,
        left_source="event",
    )  # fmt: skip
    page = console.get("/")
    assert "Algebra" in page
    assert "Ada" in page
    assert "Ben" not in page
    assert "History" not in page
    assert "Lost" not in page
    hidden = console.get("/", READER)
    assert "Algebra" not in hidden
    assert "p1" in hidden


def test_a_recording_that_has_not_arrived_is_named(console: RunningConsole, database_url: str) -> None:
    began = NOW - timedelta(hours=3)
    session(database_url, "over", status="ended", started_at=began, ended_at=NOW, last_event_at=NOW, title="Algebra")
    session(database_url, "live", started_at=began, last_event_at=NOW)
    session(database_url, "old", status="ended", started_at=NOW - timedelta(days=40), ended_at=NOW, last_event_at=NOW)
    for name, session_id, columns in (
        ("arrived", "over", {"status": "UPLOADED", "stopped_at": NOW}),
        ("uploading", "over", {"status": "UPLOADING", "stopped_at": NOW}),
        ("lost", "over", {"status": "RECORDING"}),
        ("failed", "live", {"status": "ERRORED"}),
        ("running", "live", {"status": "PAUSED"}),
        ("older", "old", {"status": "RECORDING"}),
    ):
        insert(database_url, "recordings", id=name, session_id=session_id, started_at=began, **columns)
    assert "3 recordings have not arrived</a>" in console.get("/")

    def found(query: str) -> set[str]:
        file = console.get(f"/recordings?csv=recordings{query}")
        return {row["id"] for row in csv.DictReader(io.StringIO(file))}

    assert found("") == {"arrived", "uploading", "lost", "failed", "running"}
    assert found("&arrival=missing") == {"uploading", "lost", "failed"}
    assert found("&arrival=running") == {"running"}
    assert found("&arrival=arrived") == {"arrived"}
    assert found(f"&arrival=missing&from={NOW - timedelta(days=50):%Y-%m-%d}") == {
        "uploading",
        "lost",
        "failed",
        "older",
    }
    assert found("&arrival=missing&to=2020-01-01") == set()
    assert "Algebra" in console.get("/recordings")
    assert "Algebra" not in console.get("/recordings", READER)


def test_what_needs_a_look_is_named(console: RunningConsole, database_url: str) -> None:
    assert "no delivery was set aside" in console.get("/")
    delivery(database_url, NOW, status="quarantined")
    delivery(database_url, NOW, status="foreign")
    delivery(database_url, NOW - timedelta(days=30), status="unknown")
    insert(database_url, "endpoints", id="ep_1", name="crm", url="https://example.com/")
    insert(database_url, "endpoint_states", endpoint_id="ep_1", failing_since=NOW)
    page = console.get("/")
    assert 'class="status quarantined"' in page
    assert 'class="status foreign"' in page
    assert 'class="status unknown"' not in page
    assert "endpoint crm, since" in page


def test_a_live_page_asks_for_itself_every_two_seconds(console: RunningConsole) -> None:
    page = console.get("/")
    assert 'data-hx-trigger="every 2s"' in page
    assert 'data-hx-get="/"' in page
