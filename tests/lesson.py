"""One lesson in fifteen payloads: its ids, what the two dialects say differently, and the rows that it left."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

PAYLOADS = Path(__file__).parent / "payloads"

MEETING = "b1a7f2ce-6a1f-4b0c-8a4e-0f5d2c9e7a01"
SESSION = "0c9d4b7e-2f13-4f6a-9e58-6b1d3a2c5f02"
ORGANIZATION = "7f5c0f6a-41a3-4a0e-9c0f-3d0c7b5a1e10"
ANA, BEN = "4be7a0d1-1c55-4f0d-8f0b-90b8a6a3d711", "e0c2c9b8-7d47-4f3b-a0f6-5a9f2a6e4b21"
ANA_AGAIN = "4be7a0d1-1c55-4f0d-8f0b-90b8a6a3d712"
RECORDING = "3a5e9d40-8e9f-4f5b-8f7c-1b2d6e7f8a31"
STREAM = "d9a1b0c2-55d1-4b6e-9d38-1f0e2c3b4a41"
BEN_NAME = "Ben O\u2019Neill 🎸"
TITLE = "Algebra II, lesson 14"
EVENTS = [
    "meeting.started",
    "meeting.participantJoined",
    "meeting.participantJoined",
    "recording.statusUpdate",
    "recording.statusUpdate",
    "meeting.participantLeft",
    "meeting.participantJoined",
    "recording.statusUpdate",
    "meeting.participantLeft",
    "meeting.ended",
    "recording.statusUpdate",
    "meeting.chatSynced",
    "meeting.transcript",
    "meeting.summary",
    "livestreaming.statusUpdate",
]


def at(time: str, day: str = "2026-03-02") -> datetime:
    return datetime.fromisoformat(f"{day} {time}").replace(tzinfo=UTC)


# What the two dialects say differently.
DIALECTS: dict[str, dict[str, Any]] = {
    "dyte": {
        "room_name": "abcdef-ghijkl",
        "recording_started": at("09:02:00.903816"),
        "recording_stopped": at("09:52:30.865627"),
        "recording_seconds": Decimal("3029.961811"),
        "recording_expires": at("09:52:30.608944", "2026-03-09"),
        "stop_reason": "ALL_PEERS_LEFT",
        "chat_expires": at("09:58:39.051621", "2026-03-09"),
        "stream_meeting": None,
        "playback_url": None,
    },
    "realtimekit": {
        "room_name": MEETING,
        "recording_started": at("09:02:00.903"),
        "recording_stopped": at("09:52:30.865"),
        "recording_seconds": Decimal("3029.962"),
        "recording_expires": at("09:52:30.608", "2026-03-09"),
        "stop_reason": None,
        "chat_expires": at("09:58:39.051", "2026-03-09"),
        "stream_meeting": MEETING,
        "playback_url": "https://live.example.com/s/index.m3u8",
    },
}


OF_THE_API = ("api_", "live_at", "first_observed_at", "user_id", "preset_name", "spans_connections", "observation_id")


class Posted:
    """The database after all fifteen, and the values that differ by dialect."""

    def __init__(self, dialect: str, bodies: list[bytes], connection: psycopg.Connection[Any]) -> None:
        self.dialect = dialect
        self.bodies = bodies
        self.said = DIALECTS[dialect]
        self._cursor = connection.cursor(row_factory=dict_row)
        self.deliveries = self.rows("deliveries", "id")
        self.ids = [row["id"] for row in self.deliveries]
        self.received = [row["received_at"] for row in self.deliveries]

    def rows(self, table: str, order: str, *, without: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """Return a table's rows, without the columns that only merging needs and those of the vendor's API."""
        rows = self._cursor.execute(f"SELECT * FROM rollcall.{table} ORDER BY {order}".encode()).fetchall()
        inner = ("_by", *without)
        return [
            {
                n: v
                for n, v in row.items()
                if not n.endswith(inner) and not n.startswith(("stated_", "noticed_", "last_received", *OF_THE_API))
            }
            for row in rows
        ]
