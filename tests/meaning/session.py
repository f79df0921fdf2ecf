"""One session of a meeting as it goes on, and how what happens in it reaches the receiver: late, or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.meaning import vendor
from tests.meaning.choices import Choices
from workers.queue.delivery import Delivery, Provider

WEBHOOKS: list[str | None] = ["w1", "w1", "w1", "w2", "w-of-others", None]
DELAYS = [0, 0, 0, 0, 1, 30, 60, 90, 600, -5, 0.000001, 0]


@dataclass
class World:
    """What sessions share: the bodies of livestreams, and the numbers that make ids unique."""

    numbers: Iterator[int]
    stream_bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def id(self, at: datetime, choices: Choices) -> UUID:
        """Return an id as the receiver gives it; what decides between two of one moment is a choice."""
        milliseconds, microseconds = divmod(round(at.timestamp() * 1_000_000), 1000)
        tail = choices.byte() << 48 | next(self.numbers)
        return UUID(int=milliseconds << 80 | 0x7 << 76 | microseconds << 64 | 0b10 << 62 | tail)


@dataclass
class Session:
    """A session as it goes on; `sent` is what the receiver kept of it."""

    world: World
    room: vendor.Room
    dialect: vendor.Dialect
    clock: datetime
    peers: dict[str, datetime | None] = field(default_factory=dict)
    recording_bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)
    started_times: dict[str, datetime] = field(default_factory=dict)
    sent: list[Delivery] = field(default_factory=list)

    def send(self, body: bytes, choices: Choices) -> None:
        """Deliver a body, unless it is lost on the way."""
        delay, header = timedelta(seconds=choices.pick(DELAYS)), choices.byte()
        if header % 16 == 15:
            return
        number = next(self.world.numbers)
        family = Provider.REALTIMEKIT if self.dialect.realtimekit and header % 16 != 14 else Provider.DYTE
        webhook = WEBHOOKS[header // 16 % len(WEBHOOKS)] if header % 4 == 3 else WEBHOOKS[0]
        uuid = None if header % 16 == 13 else f"d-{number}"
        at = self.clock + delay
        self.sent.append(Delivery(self.world.id(at, choices), at, family, uuid, webhook, body))

    def report(self, name: str, choices: Choices, **fields: Any) -> None:
        """Send an event that carries the session's meeting."""
        self.send(vendor.body_of({"event": name, "meeting": self.meeting(choices), **fields}, choices), choices)

    def meeting(self, choices: Choices) -> dict[str, Any]:
        shown, room = choices.byte(), self.room
        started, ended = room.started_at, room.ended_at if shown & 4 else None
        if started is not None and shown & 3 == 3:
            started = None if shown & 8 else started + timedelta(seconds=30 if shown & 16 else -30)
        return vendor.meeting_object(replace(room, started_at=started, ended_at=ended), self.dialect, choices)
