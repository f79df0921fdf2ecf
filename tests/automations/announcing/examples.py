"""One message of each type, made by what makes them all, and written as docs/messages.md has them.

`python -m tests.automations.announcing.examples DATABASE_URL` prints the page; the database must be migrated and empty.
"""

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from automations.endpoints import read_endpoint
from automations.managing.trying import put_test_message
from automations.sending.alarms import attend
from automations.sending.failing import Failing
from automations.types import TYPES
from tests.automations.announcing.world import World

# When the sessions of the examples begin.
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
# A delivery's id is made of when it came, and what is made of that differs each time.
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PROCESSED = re.compile(r'(?<="processed_at":")[^"]+')
_DIGEST = re.compile(r'(?<="body_sha256":")[0-9a-f]{64}')
# When those happened that the clock decides.
_AT = {
    type_: {"timestamp": "2026-03-02T09:31:40.000000Z"}
    for type_ in ("endpoint.failing", "endpoint.disabled", "rollcall.test")
}
_RECORDING: dict[str, Any] = {
    "outputFileName": "m-1_20260302090010.mp4",
    "fileSize": 7340032,
    "downloadUrl": "https://files.example.com/r-1.mp4?signature=...",
    "recordingDuration": 1790,
}
_STREAM: dict[str, Any] = {
    "livestreamId": "l-1",
    "streamId": "l-1",
    "meetingId": "m-1",
    "playbackUrl": "https://live.example.com/l-1.m3u8",
}

INTRODUCTION = """\
# A message of each type

Each is complete, as an endpoint with `--body full` gets it. [automations.md](automations.md) says when each is sent and
what to do with it; the members of `data` have the names, types and values of the columns in [tables.md](tables.md).
The ids are made up. A recording's or a livestream's status that Rollcall does not know yet is told in the same way.
"""


def examples(connection: psycopg.Connection[Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return the body of one message of each type, in the order of the types."""
    world = World(connection)
    world.add_endpoint()
    world.add_endpoint("crm", types=["session.*"])
    world.add_endpoint("mail", types=["session.*"])
    _expect(world, "person-ben", 0.8)
    _expect(world, "person-ada", 0.8)
    _expect(world, "person-kim", None)
    world.settle(
        world.started(),
        world.joined(5, "ada"),
        world.joined(20, "ben"),
        _recording(world, 8, "INVOKED"),
        _recording(world, 10, "RECORDING"),
        _recording(world, 900, "PAUSED"),
        _stream(world, 30, "LIVE"),
        _stream(world, 1700, "IDLE"),
        _stream(world, 1790, "OFFLINE"),
        world.left(1200, "ben"),
        world.left(1795, "ada"),
        world.ended(1800),
        _recording(world, 1802, "UPLOADING"),
        _recording(world, 1860, "UPLOADED", **_RECORDING, downloadUrlExpiry=world.at(604800)),
        _recording(world, 1861, "ERRORED", "r-2"),
        world.event(1865, "meeting.chatSynced", chatDownloadUrl="https://files.example.com/chat.csv"),
        world.event(1870, "meeting.transcript", transcriptDownloadUrl="https://files.example.com/transcript.csv"),
        world.event(1875, "meeting.summary", summaryDownloadUrl="https://files.example.com/summary.txt"),
        world.event(1880, "meeting.participantLeft", participant={"peerId": ""}),
    )
    world.tell()
    # Ben was back with another device, and Kim was there: both are known only later.
    world.settle(
        world.joined(1190, "ben-2"), world.left(1795, "ben-2"), world.joined(3, "kim"), world.left(1000, "kim")
    )
    connection.execute("UPDATE rollcall.participants SET custom_participant_id = 'person-ben' WHERE peer_id = 'ben-2'")
    world.tell()
    world.settle(_recording(world, 30, "RECORDING", "r-3"), _recording(world, 40, "PAUSED", "r-3"))
    world.settle(_recording(world, 95, "RECORDING", "r-3", uuid="copy"))
    world.tell()
    world.settle(_recording(world, 50, "RECORDING", "r-3", uuid="earlier"))
    world.tell()
    now = world.at(1900)
    connection.execute("INSERT INTO rollcall.endpoint_states (endpoint_id) SELECT id FROM rollcall.endpoints")
    attend(connection, [Failing("crm", now - timedelta(days=3), now, 0)], ["mail"], now - datetime.now(UTC))
    endpoint = read_endpoint(connection, "e-1")
    assert endpoint is not None
    put_test_message(connection, endpoint, "This is a test message from Rollcall.")
    rows = connection.execute("SELECT type, body::text FROM rollcall.messages ORDER BY position").fetchall()
    first: dict[str, str] = {}
    for type_, body in rows:
        first.setdefault(type_, body)
    return {type_: _steady(first[type_], world.start) | _AT.get(type_, {}) for type_ in TYPES}


def page(connection: psycopg.Connection[Any]) -> str:
    """Return docs/messages.md."""
    parts = [INTRODUCTION]
    for type_, body in examples(connection).items():
        parts.append(f"## {type_}\n\n```json\n{json.dumps(body, ensure_ascii=False, indent=2)}\n```\n")
    return "\n".join(parts)


def _recording(world: World, second: float, status: str, id_: str = "r-1", uuid: str = "", **columns: Any) -> Any:
    return world.event(
        second,
        "recording.statusUpdate",
        uuid=uuid or f"{id_}-{second}",
        recording={"recordingId": id_, "id": id_, "status": status, **columns},
    )


def _stream(world: World, second: float, status: str) -> Any:
    return world.event(second, "livestreaming.statusUpdate", uuid=status, status=status, **_STREAM)


def _expect(world: World, person: str, minimum: float | None) -> None:
    world.connection.execute(
        "INSERT INTO rollcall.roster VALUES ('m-1', %s, %s, %s, %s, %s)",
        [person, world.at(0), world.at(1800), person.removeprefix("person-").title(), minimum],
    )


def _steady(body: str, start: datetime) -> dict[str, Any]:
    """Return a body with the times as if it had begun at nine, and with ids that are the same each time."""
    compact = json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":"))
    message = _DIGEST.sub("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", compact)
    message = _UUID.sub("019cad3e-0000-7000-8000-000000000001", message)

    def shifted(found: re.Match[str]) -> str:
        return (datetime.fromisoformat(found[0]) - start + NINE).isoformat().replace("+00:00", "Z")

    message = _PROCESSED.sub("2026-03-02T09:31:20.250000Z", _TIME.sub(shifted, message))
    parsed = json.loads(message)
    # In the order in which it is sent.
    return {name: parsed[name] for name in ("type", "timestamp", "data")}


if __name__ == "__main__":
    with psycopg.connect(sys.argv[1], autocommit=True) as opened:
        print(page(opened), end="")  # noqa: T201 - the command's output
