"""The result of a recording's updates: ranks, times and durations, in tables."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from workers.queue.delivery import new_delivery_id
from workers.reading.facts import RecordingFact
from workers.rules.copies import Judged, Update
from workers.rules.recording import settle_recording

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOTHING: dict[str, Any] = dict.fromkeys(RecordingFact.__struct_fields__)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def judged(*updates: tuple[float, str, dict[str, Any]], copies: tuple[int, ...] = ()) -> list[Judged]:
    """Updates as (second, status, what it states); `copies` are those that repeat the bytes of an earlier one."""
    result: list[Judged] = []
    for position, (second, status, states) in enumerate(updates):
        one = Update(
            id=new_delivery_id(after(second)),
            received_at=after(second),
            delivery_uuid=str(position),
            body_sha256=status.encode(),
            status=status,
            session_id="session-1",
            states=RecordingFact(**{**NOTHING, **states}),
        )
        result.append(Judged(one, result[0].update.id if position in copies else one.id, counts=True))
    return result


@pytest.mark.parametrize(
    ("came", "stays"),
    [
        ("INVOKED RECORDING PAUSED RECORDING UPLOADING UPLOADED", "UPLOADED"),
        ("UPLOADED UPLOADING RECORDING INVOKED", "UPLOADED"),
        ("RECORDING PAUSED", "PAUSED"),
        ("PAUSED RECORDING", "RECORDING"),
        ("UPLOADED ERRORED", "ERRORED"),
        ("ERRORED UPLOADED", "UPLOADED"),
        ("ERRORED UPLOADING", "ERRORED"),
        ("UPLOADING PAUSED", "UPLOADING"),
        ("RECORDING INVOKED", "RECORDING"),
        ("RECORDING TRANSCODING", "RECORDING"),
        ("TRANSCODING INVOKED", "INVOKED"),
        ("TRANSCODING", None),
    ],
)
def test_a_recording_never_goes_back(came: str, stays: str | None) -> None:
    row, entries = settle_recording("r", judged(*((n, status, {}) for n, status in enumerate(came.split()))))
    assert row.status == stays
    assert [entry.kind for entry in entries.values()] == [f"recording.{status.lower()}" for status in came.split()]


def test_the_highest_rank_stays_in_any_order() -> None:
    for order in permutations(["INVOKED", "RECORDING", "UPLOADING", "UPLOADED"]):
        row, _ = settle_recording("r", judged(*((n, status, {}) for n, status in enumerate(order))))
        assert row.status == "UPLOADED"


@pytest.mark.parametrize(
    ("states", "seconds"),
    [
        ({"started_at": after(10), "stopped_at": after(70.5), "stated_duration": 0.0}, Decimal("60.5")),
        ({"started_at": after(10), "stopped_at": after(10), "stated_duration": 5.0}, Decimal(0)),
        ({"started_at": after(10), "stated_duration": 30.0}, Decimal(30)),
        ({"stopped_at": after(10), "stated_duration": 0.0}, None),
        ({}, None),
    ],
)
def test_a_duration_is_stop_minus_start_and_a_stated_one_stands_in(
    states: dict[str, Any], seconds: Decimal | None
) -> None:
    row, _ = settle_recording("r", judged((100, "UPLOADED", states)))
    assert row.duration_seconds == seconds


def test_entries_stand_where_the_event_states_it_and_else_where_it_was_received() -> None:
    times = {"started_at": after(5), "stopped_at": after(50)}
    _, entries = settle_recording(
        "r",
        judged(
            (1, "INVOKED", times),
            (8, "RECORDING", times),
            (20, "PAUSED", times),
            (30, "RECORDING", times),
            (60, "UPLOADING", times),
            (90, "UPLOADED", times),
        ),
    )
    assert [(entry.kind, (entry.occurred_at - START).total_seconds()) for entry in entries.values()] == [
        ("recording.invoked", 1),
        ("recording.recording", 5),
        ("recording.paused", 20),
        ("recording.recording", 30),
        ("recording.uploading", 50),
        ("recording.uploaded", 90),
    ]


def test_a_copy_that_counts_occurred_when_it_was_received() -> None:
    states = {"started_at": after(5)}
    updates = judged((8, "RECORDING", states), (20, "PAUSED", {}), (99, "RECORDING", states), copies=(2,))
    _, entries = settle_recording("r", updates)
    assert [(entry.occurred_at - START).total_seconds() for entry in entries.values()] == [5, 20, 99]


def test_the_last_received_names_and_the_earliest_start_and_latest_stop_win() -> None:
    first = {"started_at": after(10), "stopped_at": after(90), "file_name": "a.mp4", "file_size": 1}
    last = {"started_at": after(20), "stopped_at": after(80), "file_name": "b.mp4"}
    row, _ = settle_recording("r", judged((100, "UPLOADING", first), (200, "UPLOADED", last)))
    assert (row.started_at, row.stopped_at) == (after(10), after(90))
    assert (row.file_name, row.file_size) == ("b.mp4", 1)
