"""The reference model: every documented table, computed slowly and plainly from the whole set of deliveries."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from tests.meaning.happenings import happenings
from tests.meaning.ledger import FOREIGN, REPEAT, Entry, Scope, body_sha256, ledger
from tests.meaning.reading import PROCESSED
from tests.meaning.values import jsonb_holds, parse, without_stream_keys
from workers.queue.delivery import Delivery

Row = dict[str, Any]
Value = TypeVar("Value")

RANKS = {"INVOKED": 1, "RECORDING": 2, "PAUSED": 2, "UPLOADING": 3, "UPLOADED": 4, "ERRORED": 4}


def expected_tables(deliveries: Iterable[Delivery], scope: Scope) -> dict[str, list[Row]]:
    """Return the rows that each table must hold once these deliveries were processed, in any order.

    A row is a dict by column; times are UTC. Left out: `deliveries.processed_at` and `timeline.detail`. Of
    `deliveries.error` and `.raw` only whether they are null is said, as `has_error` and `has_raw`.
    """
    entries = ledger(deliveries, scope)
    counted = [entry for entry in entries if entry.status == PROCESSED]
    return {
        "deliveries": [_ledger_row(entry) for entry in entries],
        "organizations": _organizations(counted),
        "meetings": _meetings(counted),
        "sessions": _sessions(counted),
        "participants": _participants(counted),
        "participant_events": _participant_events(counted),
        "recordings": _recordings(counted),
        "livestreams": _livestreams(counted),
        "artifacts": _artifacts(counted),
        "timeline": _timeline(counted),
    }


def _ledger_row(entry: Entry) -> Row:
    delivery, report = entry.delivery, entry.report
    payload, has_raw = _stored(entry)
    return {
        "id": delivery.id,
        "provider": str(delivery.provider),
        "delivery_uuid": delivery.delivery_uuid,
        "webhook_id": delivery.webhook_id,
        "event": report.event,
        "body_sha256": body_sha256(delivery),
        "received_at": delivery.received_at,
        "status": entry.status,
        "has_error": report.flawed and entry.status not in {REPEAT, FOREIGN},
        "repeat_of": entry.repeat_of,
        "session_id": report.session_id,
        "meeting_id": report.meeting_id,
        "payload": payload,
        "has_raw": has_raw,
    }


def _stored(entry: Entry) -> tuple[Any, bool]:
    if entry.status == REPEAT:
        return None, False
    try:
        value = parse(entry.delivery.body)
    except ValueError:
        return None, True
    return (without_stream_keys(value), False) if jsonb_holds(value) else (None, True)


def _by(entries: Sequence[Entry], key: Callable[[Entry], Any]) -> dict[Any, list[Entry]]:
    groups: dict[Any, list[Entry]] = {}
    for entry in entries:
        if key(entry) is not None:
            groups.setdefault(key(entry), []).append(entry)
    return groups


def _stated(entries: Iterable[Entry], name: str) -> list[Any]:
    """Return the values that entries state for an attribute, ordered by the entries' ids."""
    return [value for entry in entries if (value := getattr(entry.report, name)) is not None]


def _last(values: Sequence[Value]) -> Value | None:
    return values[-1] if values else None


def _earliest(values: Iterable[datetime]) -> datetime | None:
    return min(values, default=None)


def _latest(values: Iterable[datetime]) -> datetime | None:
    return max(values, default=None)


def _received(entries: Iterable[Entry], event: str) -> list[datetime]:
    return [entry.received_at for entry in entries if entry.report.event == event]


def _organizations(counted: Sequence[Entry]) -> list[Row]:
    return [
        {"id": organization, "name": _last(_stated(entries, "organization_name"))}
        for organization, entries in _by(counted, lambda entry: entry.report.organization_id).items()
    ]


def _meetings(counted: Sequence[Entry]) -> list[Row]:
    return [
        {
            "id": meeting,
            "organization_id": _last(_stated(entries, "organization_id")),
            "title": _last(_stated(entries, "title")),
            "room_name": _last(_stated(entries, "room_name")),
            "created_at": _earliest(_stated(entries, "created_at")),
        }
        for meeting, entries in _by(counted, lambda entry: entry.report.meeting_id).items()
    ]


def _ended_at(entries: Sequence[Entry]) -> datetime | None:
    return _latest(_stated(entries, "ended_at")) or _latest(_received(entries, "meeting.ended"))


def _sessions(counted: Sequence[Entry]) -> list[Row]:
    return [
        {
            "id": session,
            "meeting_id": _last(_stated(entries, "meeting_id")),
            "organization_id": _last(_stated(entries, "organization_id")),
            "title": _last(_stated(entries, "title")),
            "status": "live" if _ended_at(entries) is None else "ended",
            "started_at": _earliest(_stated(entries, "started_at")) or _earliest(_received(entries, "meeting.started")),
            "ended_at": _ended_at(entries),
            "end_reason": _last(_stated(entries, "reason")),
            "last_event_at": max(entry.received_at for entry in entries),
        }
        for session, entries in _by(counted, lambda entry: entry.report.session_id).items()
    ]


def _peer(entry: Entry) -> tuple[str | None, str] | None:
    return None if entry.report.peer_id is None else (entry.report.session_id, entry.report.peer_id)


def _participants(counted: Sequence[Entry]) -> list[Row]:
    sessions = _by(counted, lambda entry: entry.report.session_id)
    rows = []
    for (session, peer), entries in _by(counted, _peer).items():
        stated = _stated(entries, "joined_at")
        untimed = [e for e in entries if e.report.event == "meeting.participantJoined" and e.report.joined_at is None]
        last_join = _latest(stated + [entry.received_at for entry in untimed])
        last_leave = _latest(_stated(entries, "left_at"))
        if last_leave is not None and (last_join is None or last_join <= last_leave):
            left_at, left_source = last_leave, "event"
        elif (ended_at := _ended_at(sessions[session])) is not None:
            left_at, left_source = ended_at, "session_end"
        else:
            left_at, left_source = None, None
        rows.append(
            {
                "session_id": session,
                "peer_id": peer,
                "custom_participant_id": _last(_stated(entries, "custom_participant_id")),
                "display_name": _last(_stated(entries, "display_name")),
                "preset_name": None,
                "joined_at": _earliest(stated) or _earliest(_received(entries, "meeting.participantJoined")),
                "left_at": left_at,
                "left_source": left_source,
            }
        )
    return rows


def _participant_events(counted: Sequence[Entry]) -> list[Row]:
    return [
        {
            "session_id": session,
            "peer_id": peer,
            "kind": kind.removeprefix("participant."),
            "occurred_at": occurred_at,
            "delivery_id": delivery_id,
        }
        for (session, kind, peer, occurred_at), delivery_id in happenings(counted).items()
        if kind in {"participant.joined", "participant.left"}
    ]


def _timeline(counted: Sequence[Entry]) -> list[Row]:
    return [
        {"session_id": session, "occurred_at": at, "kind": kind, "subject_id": subject, "delivery_id": delivery_id}
        for (session, kind, subject, at), delivery_id in happenings(counted).items()
    ]


def _recordings(counted: Sequence[Entry]) -> list[Row]:
    rows = []
    for recording, entries in _by(counted, lambda entry: entry.report.recording_id).items():
        ranked = [entry for entry in entries if entry.report.status in RANKS]
        # of equals sorted() keeps the order: the one received last comes last
        status = _last([str(entry.report.status) for entry in sorted(ranked, key=_rank)])
        started, stopped = _earliest(_stated(entries, "started_time")), _latest(_stated(entries, "stopped_time"))
        rows.append(
            {
                "id": recording,
                "session_id": _last(_stated(entries, "session_id")),
                "meeting_id": _last(_stated(entries, "meeting_id")),
                "status": status,
                "invoked_at": _earliest(entry.received_at for entry in entries if entry.report.status == "INVOKED"),
                "started_at": started,
                "stopped_at": stopped,
                "duration_seconds": _duration(entries, started, stopped),
                "file_size": _last(_stated(entries, "file_size")),
                "file_name": _last(_stated(entries, "file_name")),
                "download_url": _last(_stated(entries, "download_url")),
                "audio_download_url": _last(_stated(entries, "audio_download_url")),
                "download_url_expires_at": _last(_stated(entries, "download_url_expires_at")),
                "stop_reason": _last(_stated(entries, "stop_reason")),
            }
        )
    return rows


def _rank(entry: Entry) -> int:
    return RANKS[str(entry.report.status)]


def _duration(entries: Sequence[Entry], started: datetime | None, stopped: datetime | None) -> Decimal | None:
    if started is not None and stopped is not None and started <= stopped:
        passed = stopped - started
        return Decimal(passed.days * 86_400 + passed.seconds) + Decimal(passed.microseconds) / 1_000_000
    return _last([duration for duration in _stated(entries, "recording_duration") if duration > 0])


def _livestreams(counted: Sequence[Entry]) -> list[Row]:
    rows = []
    for stream, entries in _by(counted, lambda entry: entry.report.stream_id).items():
        status, changed_at = None, None
        for entry in entries:
            if entry.report.status is not None and entry.report.status != status:
                status, changed_at = entry.report.status, entry.received_at
        rows.append(
            {
                "stream_id": stream,
                "meeting_id": _last(_stated(entries, "stream_meeting_id")),
                "status": status,
                "last_changed_at": changed_at,
                "playback_url": _last(_stated(entries, "playback_url")),
            }
        )
    return rows


def _artifacts(counted: Sequence[Entry]) -> list[Row]:
    groups = _by(counted, lambda entry: entry.report.artifact and (entry.report.session_id, entry.report.artifact))
    return [
        {
            "session_id": session,
            "kind": kind,
            "download_url": _last(_stated(entries, "download_url")),
            "download_url_expires_at": _last(_stated(entries, "download_url_expires_at")),
        }
        for (session, kind), entries in groups.items()
    ]
