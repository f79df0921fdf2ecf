"""Endpoints and messages put straight into the tables, and how `rollcall` is called on them."""

from typing import Any

from psycopg.types.json import Jsonb

from automations.managing.adding import NewEndpoint, add_endpoint
from automations.secrets import Keyring, new_secret
from runtime.connections import connect
from tests.console.commands.rows import at, insert

KEY = "t2cGLo3ypFVDpfrXhGIFRXfFqzN3fMqT0CFMv3HYvyo="
RING = Keyring.from_environment({"SECRETS_KEY": KEY, "DATABASE_URL": "postgresql:///any"})


def endpoint(url: str, place: str = "https://example.com/hook", secret: str | None = None, **columns: Any) -> str:
    """Add an endpoint and return its id."""
    with connect(url, name="test") as connection:
        new = NewEndpoint(**{"name": "example", "url": place, **columns})
        return add_endpoint(connection, new, RING.encrypt(secret or new_secret()))


def message(url: str, number: int, type_: str = "session.started", **columns: Any) -> str:
    """Put a message and return its id; it happened `number` minutes after nine."""
    message_id = f"msg_{number:08d}-0000-5000-8000-000000000000"
    timestamp = at(number).isoformat().replace("+00:00", "Z")
    body = {"type": type_, "timestamp": timestamp, "data": {"session": {"title": "Algebra \x1b[2J"}}}
    insert(url, "messages", id=message_id, type=type_, occurred_at=at(number), body=Jsonb(body), **columns)
    return message_id


def meant_for(url: str, message_id: str, endpoint_id: str, status: str = "pending", **columns: Any) -> None:
    """Put what has become of a message for an endpoint."""
    with connect(url, name="test") as connection:
        [(position, session_id)] = connection.execute(
            "SELECT position, session_id FROM rollcall.messages WHERE id = %s", [message_id]
        ).fetchall()
    if status == "pending":
        columns = {"next_attempt_at": at(60), **columns}
    insert(
        url,
        "message_deliveries",
        message_id=message_id,
        endpoint_id=endpoint_id,
        position=position,
        session_id=session_id,
        status=status,
        **columns,
    )


def attempt(url: str, message_id: str, endpoint_id: str, number: int = 1, **columns: Any) -> None:
    """Put a try."""
    defaults = {"at": at(number), "duration_ms": 12, "status": 500, "error": "answered 500", "answer": "oh\x1b[2J"}
    insert(url, "attempts", message_id=message_id, endpoint_id=endpoint_id, number=number, **{**defaults, **columns})
