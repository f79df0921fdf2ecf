"""What happened in the sessions, each thing once, at the time stated or else received: the entries of `timeline`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tests.meaning.ledger import Entry

KINDS = {
    "meeting.started": "session.started",
    "meeting.ended": "session.ended",
    "meeting.participantJoined": "participant.joined",
    "meeting.participantLeft": "participant.left",
    "meeting.chatSynced": "chat.available",
    "meeting.transcript": "transcript.available",
    "meeting.summary": "summary.available",
}


def happenings(counted: Sequence[Entry]) -> dict[tuple[str | None, str, str, datetime], UUID]:
    """Return what happened as (session, kind, subject, when), and which delivery reported it first."""
    happenings: dict[tuple[str | None, str, str, datetime], UUID] = {}
    recorded: set[str] = set()
    for entry in counted:
        report = entry.report
        kind = KINDS.get(str(report.event))
        if report.subject is not None:
            kind = None if report.status is None else f"{report.subject[0]}.{report.status.lower()}"
        if kind is None:
            continue
        first_recording = kind == "recording.recording" and report.recording_id not in recorded
        if first_recording:
            recorded.add(str(report.recording_id))
        stated = {
            "session.started": report.started_at,
            "session.ended": report.ended_at,
            "participant.joined": report.joined_at,
            "participant.left": report.left_at,
            "recording.recording": report.started_time if first_recording else None,
            "recording.uploading": None if entry.copy else report.stopped_time,
        }.get(kind)
        subject = report.subject[1] if report.subject else report.peer_id or str(report.session_id)
        happenings.setdefault((report.session_id, kind, subject, stated or entry.received_at), entry.id)
    return happenings
