"""Rows put straight into the tables, as a worker would have left them."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from workers.queue.delivery import new_delivery_id

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SESSION = "0c9d4b7e-2f13-4f6a-9e58-6b1d3a2c5f02"


def at(minutes: float) -> datetime:
    """Minutes after nine."""
    return NINE + timedelta(minutes=minutes)


def insert(url: str, table: str, /, **columns: Any) -> None:
    names = ", ".join(columns)
    places = ", ".join(f"%({name})s" for name in columns)
    values = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in columns.items()}
    with psycopg.connect(url) as connection:
        connection.execute(f"INSERT INTO rollcall.{table} ({names}) VALUES ({places})", values)


def session(url: str, session_id: str = SESSION, **columns: Any) -> None:
    defaults = {"meeting_id": "m1", "organization_id": "o1", "title": "Algebra II", "status": "live"}
    merged = {"id": session_id, **defaults, "started_at": at(0), "last_event_at": at(0), **columns}
    stated = {f"stated_{name}": merged.get(name) for name in ("started_at", "ended_at")}
    sources = {f"{name}_source": "event" for name in ("started", "ended") if merged.get(f"{name}_at") is not None}
    insert(url, "sessions", **{"last_received_at": merged["last_event_at"], **stated, **sources, **merged})


def participant(url: str, peer_id: str, **columns: Any) -> None:
    joined_at = columns.get("joined_at")
    stated = {"stated_joined_at": joined_at, "joined_source": None if joined_at is None else "event"}
    insert(url, "participants", **{"session_id": SESSION, "peer_id": peer_id, **stated, **columns})


def delivery(url: str, received_at: datetime, **columns: Any) -> UUID:
    delivery_id = new_delivery_id(received_at)
    defaults = {
        "provider": "dyte",
        "body_sha256": hashlib.sha256(delivery_id.bytes).digest(),
        "status": "processed",
        "event": "meeting.started",
        "session_id": SESSION,
    }
    insert(url, "deliveries", **{"id": delivery_id, **defaults, "received_at": received_at, **columns})
    return delivery_id


def entry(url: str, kind: str, occurred_at: datetime, received_at: datetime, **columns: Any) -> UUID:
    delivery_id = delivery(url, received_at)
    defaults = {"session_id": SESSION, "subject_id": SESSION, "detail": {}}
    stated = {"kind": kind, "occurred_at": occurred_at, "delivery_id": delivery_id}
    insert(url, "timeline", **{**defaults, **stated, **columns})
    return delivery_id
