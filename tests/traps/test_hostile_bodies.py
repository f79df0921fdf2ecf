"""Bodies that no file holds well, each field of each event spoiled in every way, and whatever hypothesis thinks of."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.traps.batch import Settled

FIFTEEN = [json.loads(file.read_bytes()) for file in sorted((Path(__file__).parents[1] / "payloads").rglob("*.json"))]
EVENTS = {event["event"]: event for event in FIFTEEN}
WRONG: list[Any] = [
    *(None, "", "x" * 5_000, "nul\0", "half \ud83d", 0, -1, 2**70, 1e308, True),
    *([], ["text"], {}, {"id": "text"}, "2026-03-02", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"),
]
# Without these an event can't count; any other field may be whatever it likes.
IDENTIFYING = {"event", "sessionId", "peerId", "leftAt", "streamId", "id", "recordingId", "roomUUID", "status"}


def paths(value: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Yield where in an event its fields and sections stand."""
    for name, inner in value.items():
        yield (*path, name)
        if isinstance(inner, dict):
            yield from paths(inner, *path, name)


FIELDS = sorted({(event["event"], path) for event in FIFTEEN for path in paths(event)})


def spoiled(event: Any, path: tuple[str, ...], wrong: Any) -> bytes:
    event = copy.deepcopy(event)
    holder = event
    for name in path[:-1]:
        holder = holder.setdefault(name, {})
    holder[path[-1]] = wrong
    return json.dumps(event).encode()


@pytest.fixture
def settled(database_url: str) -> Iterator[Settled]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield Settled(connection)


@pytest.mark.parametrize("event", EVENTS)
def test_no_wrong_value_in_no_field_costs_more_than_that_field_or_its_event(settled: Settled, event: str) -> None:
    cases = [(path, wrong) for name, path in FIELDS if name == event for wrong in WRONG]
    rows = settled.among_neighbours(*(spoiled(EVENTS[event], path, wrong) for path, wrong in cases))
    for (path, wrong), row in zip(cases, rows, strict=True):
        is_section = isinstance(EVENTS[event].get(path[-1]), dict)
        may_be = {"processed", "repeat"}
        if path == ("event",):
            may_be = {"unknown", "quarantined", "repeat"}
        elif path[-1] in IDENTIFYING or is_section:
            may_be.add("quarantined")
        assert row["status"] in may_be, (path, wrong, row["error"])
        assert row["status"] != "quarantined" or row["error"], (path, wrong)
        assert "database" not in (row["error"] or ""), (path, wrong, row["error"])


def test_a_name_of_ten_thousand_characters_is_kept_whole(settled: Settled) -> None:
    name = "🎸\u05e9" * 5_000
    settled.among_neighbours(spoiled(EVENTS["meeting.participantJoined"], ("participant", "userDisplayName"), name))
    participant = settled.row("participants")
    assert participant is not None
    assert participant["display_name"] == name


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"event":"meeting.started","meeting":{"sessionId":"s","title":"' + b"x" * 1_048_000 + b'"}}', "processed"),
        (b'{"event":"meeting.started","meeting":{"sessionId":"s","n":' + b"9" * 100_000 + b"}}", "processed"),
        (b'{"event":"meeting.started","meeting":{"sessionId":"s","n":1e-20000}}', "processed"),
        (b'{"event":"meeting.started","meeting":{"sessionId":"s","n":' + b"[" * 150 + b"]" * 150 + b"}}", "processed"),
        (
            b'{"event":"meeting.started","meeting":{"sessionId":"s","n":' + b"[" * 990 + b"]" * 990 + b"}}",
            "quarantined",
        ),
        (b"[" * 1_048_576, "quarantined"),
        (b'{"a":' * 200_000, "quarantined"),
        (b'{"event":"' + b"x" * 1_000_000 + b'"}', "quarantined"),
        (b"\0" * 1_048_576, "quarantined"),
        (b"\xff" * 1_048_576, "quarantined"),
        (b" " * 1_048_576, "quarantined"),
        (b'"' * 1_048_576, "quarantined"),
        (b'{"event":"meeting.started","meeting":{"sessionId":"' + b"x" * 256 + b'"}}', "quarantined"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:40]),
)
def test_a_body_of_monstrous_size_or_shape_holds_up_nobody(settled: Settled, body: bytes, status: str) -> None:
    [row] = settled.among_neighbours(body)
    assert row["status"] == status
    assert row["payload"] is not None or row["raw"] == body


def test_the_longest_ids_fit_into_every_index(settled: Settled) -> None:
    # Letters that compress badly, four bytes each and 63 of them: an index takes some 2,700 bytes a row.
    ids = ["".join(chr(0x10000 + (n * 7919 + part * 104729) % 0xFFFF) for n in range(63)) for part in range(4)]
    meeting = {"id": ids[0], "sessionId": ids[1], "organizedBy": {"id": ids[2]}}
    update = {"event": "recording.statusUpdate", "meeting": meeting, "recording": {"id": ids[3], "status": ids[2]}}
    joined = {"event": "meeting.participantJoined", "meeting": meeting, "participant": {"peerId": ids[3]}}
    rows = settled.among_neighbours(json.dumps(update).encode(), json.dumps(joined).encode())
    assert [(row["status"], row["error"]) for row in rows] == [("processed", None)] * 2


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(st.characters(codec=None), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
mutated = st.builds(lambda case, wrong: spoiled(EVENTS[case[0]], case[1], wrong), st.sampled_from(FIELDS), anything)
cut = st.builds(lambda body, end: body[:end], mutated, st.integers(0, 800))
bodies = st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()) | mutated | cut


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(batch=st.lists(bodies, min_size=1, max_size=6))
def test_whatever_is_signed_gets_its_row_and_its_neighbours_count(database_url: str, batch: list[bytes]) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE rollcall.deliveries, rollcall.sessions")
        rows = Settled(connection).among_neighbours(*batch)
    assert all(row["error"] for row in rows if row["status"] == "quarantined")
    assert len(rows) == len(batch)
