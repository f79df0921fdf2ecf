"""Secrets are not stored: a stream key, in whatever spelling, is nowhere once its delivery has been processed."""

import json
from pathlib import Path

import psycopg
import pytest

from tests.processes import System, count, run_system
from tests.workers.reading.test_stream_key import KEY, SPELLINGS, SPOILED

HOSTILE = [
    b'{"event":"livestreaming.statusUpdate","streamId":"\xff","streamKey":"' + KEY.encode() + b'"}',
    json.dumps({"event": "livestreaming.statusUpdate", "streamKey": KEY}).encode("utf-16"),
    # Unreadable fields and ids that are too long: messages about them must not quote them.
    json.dumps({"event": "livestreaming.statusUpdate", "streamId": f"streamKey={KEY} " * 30, "status": KEY}).encode(),
    json.dumps({"event": f"x streamKey={KEY}", "meeting": {"id": f"streamKey={KEY}"}}).encode(),
    json.dumps({"event": "livestreaming.statusUpdate", "streamId": "s-2", "status": "LIVE", "playbackUrl": f"x/{KEY}"})
    .encode()
    .replace(b'"LIVE"', b'"LIVE","streamKey":"' + KEY.encode() + b'","n":1e999999'),
]


@pytest.fixture
def bodies() -> list[bytes]:
    spoiled = [spoil(text).encode() for text in SPELLINGS.values() for spoil in SPOILED.values()]
    return [text.encode() for text in SPELLINGS.values()] + spoiled + HOSTILE


def test_a_stream_key_is_in_no_table_no_log_and_no_output(
    tmp_path: Path, database_url: str, bodies: list[bytes]
) -> None:
    with run_system(tmp_path, database_url) as system:
        for number, body in enumerate(bodies):
            assert system.post(body, "realtimekit", f"delivery-{number}").status == 200
        system.wait_for(len(bodies))
        outputs = [
            system.rollcall(*command)
            for command in (
                ["deliveries"],
                ["deliveries", "--json"],
                ["sessions", "--json"],
                ["replay", "--all"],
                ["deliveries", "--json"],
            )
        ]
    assert any(output.count("quarantined") > 10 for output in outputs), "the commands did print something"
    found = {place: text.count(KEY) for place, text in everything_at_rest(system).items() if KEY in text}
    assert not found
    assert not [output for output in outputs if KEY in output]


def everything_at_rest(system: System) -> dict[str, str]:
    """Return the rows of every table, bytes as text, and every file that the processes wrote, the spool among them."""
    places: dict[str, str] = {}
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        assert not count(connection, "rollcall_queue.queue"), "the queue is empty"
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname LIKE 'rollcall%'"
        ).fetchall()
        for schema, table in tables:
            with connection.cursor().copy(f"COPY {schema}.{table} TO STDOUT (FORMAT binary)".encode()) as copy:
                rows = b"".join(copy)
            places[table] = rows.decode("utf-8", "replace") + rows.replace(b"\0", b"").decode("utf-8", "replace")
    assert "deliveries" in places
    for file in system.folder.rglob("*"):
        if file.is_file():
            places[str(file.relative_to(system.folder))] = file.read_bytes().decode("utf-8", "replace")
    assert {"receiver.log", "workers.log"} <= places.keys()
    return places
