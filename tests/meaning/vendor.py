"""Bodies as the vendor sends them, in both dialects: shapes, time formats, fields that come and go, and junk."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.meaning.choices import Choices

INDIA = timezone(timedelta(hours=5, minutes=30))
NEWFOUNDLAND = timezone(-timedelta(hours=3, minutes=30))

TEXTS = [
    "Algebra II, lesson 14",
    "Ben O\u2019Neill 🎸",
    "פגישה عربى",
    "",
    "long " * 2_000,
]
JUNK_TEXTS: list[Any] = [17, "nul\0here", "half \ud83d surrogate", ["list"], {"an": "object"}, True]
JUNK_TIMES: list[Any] = [
    "yesterday",
    1772442004512,
    "2026-13-45T99:00:00Z",
    "",
    {"at": "noon"},
    "2026-03-02T09:00:00\0Z",
    "2026-03-02T09:00:00xZ",
    "0001-01-01T00:00:00+05:00",
    "9999-12-31T23:59:59-05:00",
    "0001-01-01T00:00:00Z",
    "1970-01-01T00:00:00.000Z",
    "2014-12-31T23:59:59.999999Z",
    "2015-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    # a day, and ten years, after some are received, and more than that after others
    "2026-03-03T09:30:00Z",
    "2026-03-03 10:00:00.000Z",
    "2026-03-03T11:30:00+00:30",
    "2036-03-02T09:30:00Z",
    "2036-03-02T10:00:00Z",
]
ORGANIZERS: list[Any] = [
    {"id": "org-a", "name": "Harbour Academy"},
    {"id": "org-b"},
    {"id": "org-of-others", "name": "Somebody else"},
    {},
    None,
    "org-a",
    *({"id": junk} for junk in [None, "", 17, ["org-a"], {"id": "org-a"}, "x" * 256, "org-a\0", "org-\ud83d"]),
]
EXTRAS: list[Any] = [
    None,
    "nul\0here",
    "half \ud83d",
    {"streamKey": "sk-live-secret"},
    [[[[{"deep": [1.5, -0.25]}]]]],
    10**40,
]


@dataclass
class Dialect:
    """How one delivery writes what it says.

    Attributes:
        realtimekit: shapes of RealtimeKit, else those of Dyte.
        time_format: 0 is the `T` form in milliseconds, 1 the form with a blank and microseconds, 2 and 3 are offsets.
    """

    realtimekit: bool = False
    time_format: int = 0

    def time(self, moment: datetime) -> str:
        """Return a moment as the vendor writes it."""
        if self.time_format == 1:
            return moment.strftime("%Y-%m-%d %H:%M:%S.%fZ")
        if self.time_format == 2:
            return moment.astimezone(INDIA).isoformat()
        if self.time_format == 3:
            return moment.astimezone(NEWFOUNDLAND).isoformat(sep=" ", timespec="milliseconds")
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


@dataclass
class Room:
    """What the vendor knows of a session's meeting, as it stands when an event is written."""

    session_id: str | None
    meeting_id: str | None
    organization_id: str | None
    organization_name: str = "Harbour Academy"
    title: str = TEXTS[0]
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def meeting_object(room: Room, dialect: Dialect, choices: Choices) -> dict[str, Any]:
    """Return the `meeting` of an event; now and then a field is missing, null or can't be read."""
    meeting: dict[str, Any] = {"id": room.meeting_id, "sessionId": room.session_id, "title": room.title}
    meeting["status"] = "LIVE"
    meeting["organizedBy"] = {"id": room.organization_id, "name": room.organization_name}
    for name, moment in (("createdAt", room.created_at), ("startedAt", room.started_at), ("endedAt", room.ended_at)):
        if moment is not None:
            meeting[name] = dialect.time(moment)
        elif dialect.realtimekit:
            meeting[name] = None
    if dialect.realtimekit:
        meeting["roomName"] = room.meeting_id
    for holder in (meeting, meeting["organizedBy"]):
        for name in [name for name, value in holder.items() if value is None and name.lower().endswith("id")]:
            del holder[name]
    if not meeting["organizedBy"].get("id"):
        del meeting["organizedBy"]
    spoil(meeting, choices, texts=("title", "roomName"), times=("createdAt", "startedAt", "endedAt"))
    return meeting


def spoil(holder: dict[str, Any], choices: Choices, texts: tuple[str, ...], times: tuple[str, ...]) -> None:
    """Now and then take a describing field away, or put something in its place that can't be read."""
    fault = choices.below(16)
    names = [name for name in (*texts, *times) if name in holder]
    if fault < 12 or not names:
        return
    name = choices.pick(names)
    if fault == 12:
        del holder[name]
    elif fault == 13:
        holder[name] = None
    else:
        holder[name] = choices.pick(JUNK_TIMES if name in times else JUNK_TEXTS)


def name_organizations(event: dict[str, Any], choices: Choices) -> dict[str, Any]:
    """Now and then name an organization in one place more, or in the usual one in a way that can't be read."""
    where = choices.below(16)
    if where < 12:
        return event
    organizer = choices.pick(ORGANIZERS)
    if where == 12:
        return event | {"organizedBy": organizer}
    stated = organizer.get("id") if isinstance(organizer, dict) else organizer
    if where == 13:
        return event | {"organizationId": stated}
    holder = "meeting" if where == 14 or "recording" not in event else "recording"
    if not isinstance(event.get(holder), dict):
        return event
    fields = {"organizedBy": organizer} if where == 14 else {"organizationId": stated}
    return event | {holder: event[holder] | fields}


def body_of(event: dict[str, Any], choices: Choices) -> bytes:
    """Return an event as bytes, in one of the styles in which one and the same event can be written."""
    event = name_organizations(event, choices)
    style = choices.below(12)
    if style == 7:
        event = event | {"newField": choices.pick(EXTRAS)}
    surrogates = not _encodable(event)
    text = json.dumps(event, ensure_ascii=surrogates or style % 2 == 1, indent=1 if style == 8 else None)
    if style == 9:
        text = '{"event": "overwritten", ' + text[1:]
    if style == 10:
        text = text[:-1] + ', "outOfRange": 1e200000}'
    return text.encode()


def _encodable(event: dict[str, Any]) -> bool:
    try:
        json.dumps(event, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


NOT_EVENTS: list[bytes] = [
    b"",
    b"{",
    b"not json",
    b'{"event": "meeting.started", "meeting": {"sessionId": "\xff\xfe"}}',
    b'["event", "meeting.started"]',
    b'"meeting.started"',
    b"null",
    b"{}",
    b'{"event": null, "meeting": {"sessionId": "s0", "id": "m0"}}',
    b'{"event": 5, "meeting": {"sessionId": "s0", "id": "m0"}}',
    b'{"event": "", "meeting": {"sessionId": "s0", "id": "m0"}}',
    b'{"event": "meeting.started", "meeting": {"sessionId": NaN}}',
    b'{"event": "meeting.started\\u0000", "meeting": {"sessionId": "s0", "id": "m0"}}',
    b"[" * 100_000,
]
