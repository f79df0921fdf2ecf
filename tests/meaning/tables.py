"""The product's tables in a database, in the same form as the reference model's."""

import json
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

Row = dict[str, Any]
Connection = psycopg.Connection[tuple[Any, ...]]

# By table: the key columns, and the others. Of `deliveries.error` and `.raw` only whether they are null.
COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "deliveries": (
        ("id",),
        (
            *("provider", "delivery_uuid", "webhook_id", "event", "body_sha256", "received_at", "status"),
            *("repeat_of", "session_id", "meeting_id", "payload", "has_error", "has_raw"),
        ),
    ),
    "organizations": (("id",), ("name",)),
    "meetings": (("id",), ("organization_id", "title", "room_name", "created_at")),
    "sessions": (
        ("id",),
        ("meeting_id", "organization_id", "title", "status", "started_at", "ended_at", "end_reason", "last_event_at"),
    ),
    "participants": (
        ("session_id", "peer_id"),
        ("custom_participant_id", "display_name", "preset_name", "joined_at", "left_at", "left_source"),
    ),
    "participant_events": (("session_id", "peer_id", "kind", "occurred_at"), ("delivery_id",)),
    "recordings": (
        ("id",),
        (
            *("session_id", "meeting_id", "status", "invoked_at", "started_at", "stopped_at", "duration_seconds"),
            *("file_size", "file_name", "download_url", "audio_download_url", "download_url_expires_at"),
            "stop_reason",
        ),
    ),
    "livestreams": (("stream_id",), ("meeting_id", "status", "last_changed_at", "playback_url")),
    "artifacts": (("session_id", "kind"), ("download_url", "download_url_expires_at")),
    "timeline": (("session_id", "kind", "subject_id", "occurred_at"), ("delivery_id",)),
}
COMPUTED = {"has_error": sql.SQL("error IS NOT NULL"), "has_raw": sql.SQL("raw IS NOT NULL")}
SHOWN = 12


def tables(connection: Connection) -> dict[str, list[Row]]:
    """Return the rows of every documented table."""
    connection.execute("SET timezone = 'UTC'")
    result = {}
    for table, (key, others) in COLUMNS.items():
        columns = [
            sql.SQL("{} AS {}").format(COMPUTED.get(column, sql.Identifier(column)), sql.Identifier(column))
            for column in (*key, *others)
        ]
        query = sql.SQL("SELECT {} FROM rollcall.{}").format(sql.SQL(", ").join(columns), sql.Identifier(table))
        result[table] = connection.cursor(row_factory=dict_row).execute(query).fetchall()
    return result


def empty(connection: Connection, *, keep_ledger: bool = False) -> None:
    """Empty the documented tables, optionally except `deliveries`."""
    names = [
        name
        for (name,) in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'rollcall' AND tablename <> 'alembic_version'"
        )
        if name in COLUMNS and not (keep_ledger and name == "deliveries")
    ]
    targets = sql.SQL(", ").join(sql.Identifier("rollcall", name) for name in names)
    connection.execute(sql.SQL("TRUNCATE {}").format(targets))


def differences(expected: dict[str, list[Row]], actual: dict[str, list[Row]]) -> list[str]:
    """Return a line per row or column in which two states of the tables differ; none if they are equal."""
    lines = []
    for table, (key, others) in COLUMNS.items():
        wanted, found = ({_key(row, key): row for row in state[table]} for state in (expected, actual))
        if len(found) != len(actual[table]):
            lines.append(f"{table}: {len(actual[table])} rows have {len(found)} keys")
        lines += [f"{table} {_shown(wanted[name])}: is missing" for name in wanted.keys() - found.keys()]
        lines += [f"{table} {_shown(found[name])}: is too much" for name in found.keys() - wanted.keys()]
        lines += [
            f"{table} {name} {column}: {_shown(found[name][column])} instead of {_shown(wanted[name][column])}"
            for name in wanted.keys() & found.keys()
            for column in others
            if _plain(found[name][column]) != _plain(wanted[name][column])
        ]
    return lines[:SHOWN] + ([f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else [])


def _key(row: Row, key: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(row[column]) for column in key)


def _plain(value: Any) -> Any:
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


def _shown(value: Any) -> str:
    return str(value) if len(str(value)) < 400 else str(value)[:400] + "…"
