"""A world in which every page, table and chart has something to show, and every text in it is the test's own."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg

import console.pages.views
from tests.console.commands.rows import delivery, insert, participant, session
from tests.console.pages.running import RunningConsole

VIEWS = Path(console.pages.views.__file__).parent
NOW = datetime.now(UTC).replace(microsecond=0)
BEGAN = NOW - timedelta(minutes=50)


@dataclass
class Everywhere:
    """The world.

    Attributes:
        text: returns the text of a place, `table.column`.
        ids: likewise, for ids that stand in addresses.
        places: the places that were asked for.
        pages: the addresses of pages, by the route that answers.
    """

    text: Callable[[str], str]
    ids: Callable[[str], str]
    places: set[str] = field(default_factory=set)
    pages: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def _text(self, place: str) -> str:
        self.places.add(place)
        return self.text(place)

    def _id(self, place: str) -> str:
        self.places.add(place)
        return self.ids(place)

    def fill(self, url: str) -> None:
        """Put it into the tables."""
        held, live, meeting = self._id("sessions.id"), "live", self._id("meetings.id")
        organization, peer = self._id("organizations.id"), self._id("participants.peer_id")
        person = self._id("participants.custom_participant_id")
        insert(url, "organizations", id=organization, name=self._text("organizations.name"))
        insert(
            url, "meetings", id=meeting, organization_id=organization, title=self._text("meetings.title"),
            room_name=self._text("meetings.room_name"), created_at=BEGAN,
        )  # fmt: skip
        of = {"meeting_id": meeting, "organization_id": organization, "title": self._text("sessions.title")}
        session(
            url, held, **of, started_at=BEGAN, status="ended", ended_at=NOW, last_event_at=NOW,
            end_reason=self._text("sessions.end_reason"),
        )  # fmt: skip
        session(url, live, **of, started_at=BEGAN, last_event_at=NOW)
        observed = UUID(int=1)
        for name, left in ((held, {"left_at": NOW, "left_source": "session_end"}), (live, {})):
            participant(
                url, peer, session_id=name, custom_participant_id=person, joined_at=BEGAN,
                display_name=self._text("participants.display_name"), user_id=self._text("participants.user_id"),
                preset_name=self._text("participants.preset_name"), observed_by=observed, **left,
            )  # fmt: skip
        participant(url, f"{peer} without a name", session_id=held, joined_at=BEGAN, left_at=NOW, left_source="event")
        self._ledger(url, held, peer)
        self._files(url, held, meeting)
        for name, more in (("payload", {"payload": self._payload("observations.payload")}),
                           ("raw", {"raw": self._text("observations.raw").encode()})):  # fmt: skip
            insert(
                url, "observations", id=observed if name == "payload" else UUID(int=2), source="dyte",
                meeting_id=meeting, kind="participant", subject_id=peer, session_id=held, observed_at=NOW,
                confirmed_at=NOW, organization_id=organization, body_sha256=b"x" * 32,
                error=self._text("observations.error"), **more,
            )  # fmt: skip
        self._messages(url, held, meeting, organization)
        self._others(url, meeting, person)
        self._name_pages(url, held, meeting, person)

    def _payload(self, place: str) -> dict[str, Any]:
        found = self._text(place)
        return {"it": found, found[:100]: [1]}

    def _ledger(self, url: str, held: str, peer: str) -> None:
        said = {"event": self._text("deliveries.event"), "session_id": held}
        whole = delivery(
            url, NOW, **said, status="quarantined", error=self._text("deliveries.error"),
            payload=self._payload("deliveries.payload"), delivery_uuid=self._text("deliveries.delivery_uuid"),
            webhook_id=self._text("deliveries.webhook_id"),
        )  # fmt: skip
        delivery(url, NOW, **said, status="unknown", raw=self._text("deliveries.raw").encode())
        delivery(url, NOW, **said, status="repeat", repeat_of=whole, webhook_id=self._text("deliveries.webhook_id"))
        detail = {name: self._text("timeline.detail") for name in ("reason", "stop_reason", "display_name")}
        for kind, subject, source in (
            ("session.started", held, "event"), ("participant.joined", peer, "event"),
            ("chat.available", held, "event"),
            ("recording.recording", self._id("recordings.id"), "event"), ("participant.left", peer, "api"),
            ("livestream.live", self._id("livestreams.stream_id"), "event"), ("session.ended", held, "event"),
        ):  # fmt: skip
            id_, api = (whole, {}) if source == "event" else (None, {"source": "api", "observation_id": UUID(int=1)})
            insert(
                url, "timeline", id=UUID(int=hash(kind) % 2**128), session_id=held, occurred_at=BEGAN, kind=kind,
                subject_id=subject, detail=detail, delivery_id=id_, **api,
            )  # fmt: skip
        insert(
            url,
            "participant_events",
            session_id=held,
            peer_id=peer,
            kind="joined",
            occurred_at=BEGAN,
            delivery_id=whole,
        )

    def _files(self, url: str, held: str, meeting: str) -> None:
        insert(
            url, "recordings", id=self._id("recordings.id"), session_id=held, meeting_id=meeting, status="UPLOADED",
            started_at=BEGAN, stopped_at=NOW, file_name=self._text("recordings.file_name"),
            download_url=f"https://files.example/{self._text('recordings.download_url')}",
            audio_download_url=f"https://files.example/{self._text('recordings.audio_download_url')}",
            stop_reason=self._text("recordings.stop_reason"),
        )  # fmt: skip
        link = self._text("artifacts.download_url")
        insert(url, "artifacts", session_id=held, kind="chat", download_url=f"https://files.example/{link}")
        insert(url, "artifacts", session_id=held, kind="transcript", download_url=f"javascript:alert(1)//{link}")
        insert(
            url, "livestreams", stream_id=self._id("livestreams.stream_id"), meeting_id=meeting, status="LIVE",
            last_changed_at=NOW, playback_url=self._text("livestreams.playback_url"),
        )  # fmt: skip

    def _messages(self, url: str, held: str, meeting: str, organization: str) -> None:
        insert(
            url, "endpoints", id="ep_1", name=self._text("endpoints.name"), url="https://example.com/hook?token=s3cret",
            status="disabled", disabled_reason=self._text("endpoints.disabled_reason"),
        )  # fmt: skip
        insert(url, "endpoint_states", endpoint_id="ep_1", failing_since=NOW)
        insert(
            url, "messages", id="msg_1", type="session.settled", occurred_at=NOW, session_id=held, meeting_id=meeting,
            organization_id=organization, body=self._payload("messages.body"),
        )  # fmt: skip
        insert(
            url, "message_deliveries", message_id="msg_1", endpoint_id="ep_1", position=1, session_id=held,
            status="given_up", attempts=1, reason=self._text("message_deliveries.reason"),
        )  # fmt: skip
        insert(
            url, "attempts", message_id="msg_1", endpoint_id="ep_1", number=1, at=NOW, duration_ms=5, status=500,
            error=self._text("attempts.error"), answer=self._text("attempts.answer"),
        )  # fmt: skip

    def _others(self, url: str, meeting: str, person: str) -> None:
        """What no page shows as yet."""
        self.places |= {"roster.person", "roster_verdicts.person"}
        insert(
            url, "roster", meeting_id=meeting, person=person, starts_at=BEGAN, ends_at=NOW,
            display_name=self._text("roster.display_name"),
        )  # fmt: skip
        insert(
            url, "roster_verdicts", meeting_id=meeting, person=person, starts_at=BEGAN, verdict="present", revision=1,
        )  # fmt: skip
        insert(
            url, "audit", who=self._text("audit.who"), act="replay", subject="all", address=self._text("audit.address")
        )

    def _name_pages(self, url: str, held: str, meeting: str, person: str) -> None:
        with psycopg.connect(url) as connection:
            deliveries = [row[0] for row in connection.execute("SELECT id FROM rollcall.deliveries ORDER BY id")]
        held, meeting, person = (quote(name, safe="") for name in (held, meeting, person))
        self.pages = {
            "/": ["/"],
            "/sessions": ["/sessions", f"/sessions?meeting={meeting}", "/sessions?inferred=1"],
            "/sessions/{id:any}": [f"/sessions/{held}", "/sessions/live", f"/sessions/{held}?gaps=shown"],
            "/recordings": ["/recordings", "/recordings?arrival=arrived"],
            "/deliveries": ["/deliveries", "/deliveries?status=quarantined", f"/deliveries?session={held}"],
            "/deliveries/{id}": [f"/deliveries/{one}" for one in deliveries],
            "/observations/{id}": [f"/observations/{UUID(int=number)}" for number in (1, 2)],
            "/people/{id:any}": [f"/people/{person}"],
            "/meetings/{id:any}": [f"/meetings/{meeting}"],
            "/usage": ["/usage", "/usage?unit=month"],
            "/automations": ["/automations", "/automations?endpoint=ep_1", f"/automations?session={held}"],
            "/automations/messages/{id}": ["/automations/messages/msg_1"],
            "/health": ["/health"],
            "/acts/replay": [f"/acts/replay?delivery={deliveries[0]}", "/acts/replay?status=quarantined"],
            "/acts/redeliver": ["/acts/redeliver?message=msg_1", f"/acts/redeliver?session={held}"],
            "/acts/enable": ["/acts/enable?endpoint=ep_1"],
            "/acts/disable": ["/acts/disable?endpoint=ep_1"],
            "/acts/test": ["/acts/test?endpoint=ep_1"],
            "/login": ["/login", f"/login?to={quote(f'/sessions/{held}', safe='')}"],
            "/static/{name}": ["/static/console.css"],
        }

    def addresses(self) -> Iterator[str]:
        """Yield the addresses of all pages."""
        for pages in self.pages.values():
            yield from pages


def tables_of_pages() -> set[str]:
    """Return the names of all tables that pages have, as their sources say."""
    sources = [path.read_text(encoding="utf-8") for path in VIEWS.glob("*.py")]
    return {name for source in sources for name in re.findall(r"\bListing\(\s*\"(\w+)\"", source)}


def files_of(console: RunningConsole, world: Everywhere) -> list[str]:
    """Return the addresses of all files, as the pages link to them, and see that no table is missing."""
    found: dict[str, str] = {}
    for route, pages in world.pages.items():
        if route.startswith(("/acts/", "/static/", "/login")):
            continue
        for page in pages:
            for address in re.findall(r'href="(/[^"]*[?&]csv=\w+[^"]*)"', console.get(page).replace("&amp;", "&")):
                found.setdefault(address, address.partition("csv=")[2].partition("&")[0])
    shown, all_of_them = set(found.values()), tables_of_pages()
    assert shown == all_of_them, all_of_them - shown
    return list(found)
