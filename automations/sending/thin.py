"""The body for endpoints that get no names, custom ids, titles and links: ids, times, states and counts only.

What a column holds is said beside its model; a test compares this list with it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

# What each member of `data` keeps. A member that is not here is left out.
KEPT: Mapping[str, frozenset[str]] = {
    "session": frozenset(
        {
            "id",
            "session_id",
            "meeting_id",
            "organization_id",
            "status",
            "started_at",
            "ended_at",
            "started_source",
            "ended_source",
            "api_minutes",
            "api_peak",
            "duration_seconds",
            "people",
            "connections",
            "peak_concurrency",
            "participant_minutes",
            "recording_minutes",
        }
    ),
    "entry": frozenset(
        {"session_id", "occurred_at", "kind", "subject_id", "delivery_id", "id", "source", "observation_id"}
    ),
    "participant": frozenset(
        {
            "session_id",
            "peer_id",
            "preset_name",
            "joined_at",
            "joined_source",
            "left_at",
            "left_source",
            "spans_connections",
        }
    ),
    "recording": frozenset(
        {
            "id",
            "session_id",
            "meeting_id",
            "status",
            "invoked_at",
            "started_at",
            "stopped_at",
            "duration_seconds",
            "file_size",
            "download_url_expires_at",
            "stop_reason",
        }
    ),
    "livestream": frozenset({"stream_id", "meeting_id", "status", "last_changed_at"}),
    "artifact": frozenset({"session_id", "kind", "download_url_expires_at"}),
    "attendance": frozenset({"session_id", "first_joined_at", "last_left_at", "connections", "attended_seconds"}),
    "roster": frozenset({"meeting_id", "starts_at", "ends_at", "minimum_share"}),
    "delivery": frozenset(
        {
            "id",
            "provider",
            "delivery_uuid",
            "webhook_id",
            "event",
            "body_sha256",
            "received_at",
            "processed_at",
            "status",
            "repeat_of",
            "session_id",
            "meeting_id",
            "subject_id",
        }
    ),
    "endpoint": frozenset({"id", "status", "disabled_reason", "created_at", "failing_since"}),
}
# Members that are lists of rows of another one.
LISTS: Mapping[str, str] = {"sessions": "session", "recordings": "recording"}
# Members that are a number or a word of ours.
PLAIN = frozenset(
    {"revision", "reconciled", "attendance_total", "attended_seconds", "share", "message"}
)  # fmt: skip


def thin_body(body: str) -> str:
    """Return the body that a thin endpoint gets in place of `body`: always the same for the same one."""
    message = msgspec.json.decode(body)
    data = {name: _thin(name, value) for name, value in message["data"].items() if _is_known(name)}
    return msgspec.json.encode({**message, "data": data}).decode()


def _is_known(name: str) -> bool:
    return name in KEPT or name in LISTS or name in PLAIN


def _thin(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_thin(name, one) for one in value]
    if isinstance(value, dict):
        kept = KEPT.get(LISTS.get(name, name), frozenset())
        return {column: one for column, one in value.items() if column in kept}
    return value if name in PLAIN or value is None else None
