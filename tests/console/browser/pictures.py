"""The README's pictures: the console over a sample world, in a real browser. `make pictures` makes them."""

import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from console.embedded.server import EmbeddedPostgres
from migrations.apply import migrate_database
from tests.conftest import make_reachable_folder
from tests.console.browser.conftest import FLAGS
from tests.console.pages.running import HEADER, OPERATOR, running_console
from tests.meaning.work import connect
from tests.processes import ROOT
from tests.vendor_api.observing import all_answers
from tests.vendor_api.world import Connection, SessionHeld, World, made_up
from workers.reading.scope import Scope
from workers.settling.observe import observe
from workers.settling.settle import settle

FOLDER = ROOT / "docs" / "pictures"
TITLES = ("Algebra II", "Interview: platform engineer", "Weekly planning", "Office hours", "Physics lab", "Onboarding")
PEOPLE = ("Ana Ruiz", "Ben O\u2019Neill", "Kemi Adéṣínà", "Élodie Lefèvre", "Jun Tanaka", "Noor Haddad", "Sam Weber")
# Of the session that is shown, this share of leaves never came by webhook.
LOST = 0.4
WIDTH, HEIGHT = 1200, 780


def sample_world(chance: random.Random, today: datetime) -> World:
    """A month of sessions, the last of them with seven people who come and go."""
    sessions = []
    for day in range(30):
        for one in made_up(chance, 2 + (day * 3) % 5, today - timedelta(days=day, hours=3)).sessions:
            title = chance.choice(TITLES)
            connections = tuple(_named(chance, connection) for connection in one.connections)
            sessions.append(
                replace(
                    one,
                    id=f"{day}-{one.id}",
                    meeting_id=f"m-{title[:3]}",
                    title=title,
                    connections=connections,
                    recordings=(),
                )
            )
    return World([*sessions, _shown(today)])


def _named(chance: random.Random, one: Connection) -> Connection:
    who = chance.randrange(len(PEOPLE))
    return replace(
        one, peer_id=f"{one.peer_id}-{chance.randrange(10**6)}", person=f"student-{100 + who}", name=PEOPLE[who]
    )


def _shown(today: datetime) -> SessionHeld:
    begin = today - timedelta(hours=2)
    stays = [(0, 58), (1, 24), (2, 58), (3, 31), (5, 57), (9, 58), (12, 40), (27, 58), (35, 56), (44, 58)]
    who = [0, 1, 2, 3, 4, 5, 6, 1, 3, 6]
    connections = tuple(
        Connection(
            f"peer-{place}",
            f"student-{100 + who[place]}",
            PEOPLE[who[place]],
            begin + timedelta(minutes=joined, seconds=7 * place),
            begin + timedelta(minutes=left, seconds=3 * place),
        )
        for place, (joined, left) in enumerate(stays)
    )
    [recorded] = [one for one in made_up(random.Random(4), 12).sessions if one.recordings][:1]
    started = begin + timedelta(minutes=4)
    recording = replace(
        recorded.recordings[0],
        id="recording-1",
        invoked_at=started,
        started_at=started,
        stopped_at=begin + timedelta(minutes=57),
    )
    end = begin + timedelta(minutes=59)
    return SessionHeld("lesson-14", "m-Alg", "Algebra II, lesson 14", begin, end, connections, (recording,))


def fill(url: str, world: World, chance: random.Random, now: datetime) -> None:
    """Bring most of it in by webhooks, and some by the vendor's API."""
    with connect(url) as worker:
        kept = [one for one in world.deliveries() if b"participantLeft" not in one.body or chance.random() > LOST]
        with worker.transaction():
            settle(worker, kept, Scope())
        last = World([one for one in world.sessions if one.id == "lesson-14"])
        for answers in all_answers(last, now):
            some = [
                one for one in answers.observations if not one.subject_id.startswith("peer-") or chance.random() < 0.6
            ]
            answers.observations[:] = some
            with worker.transaction():
                observe(worker, answers, Scope())


def take(page: Page, url: str, name: str, path: str, height: int = HEIGHT) -> None:
    """Take a picture of a page."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.goto(f"{url}{path}")
    page.screenshot(path=FOLDER / f"{name}.png", clip={"x": 0, "y": 0, "width": WIDTH, "height": height})


def main() -> None:
    """Make all pictures."""
    folder = make_reachable_folder()
    server = EmbeddedPostgres(folder / "postgres", {"fsync": "off"})
    server.start()
    FOLDER.mkdir(exist_ok=True)
    try:
        migrate_database(server.url())
        chance = random.Random(14)
        now = datetime.now(UTC).replace(microsecond=0)
        fill(server.url(), sample_world(chance, now), chance, now)
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        with sync_playwright() as playwright, running_console(server.url(), Path(folder)) as console:
            browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
            page = browser.new_page(extra_http_headers={HEADER: OPERATOR})
            take(page, console.url, "session", "/sessions/lesson-14")
            take(page, console.url, "sessions", "/sessions")
            take(page, console.url, "usage", "/usage", 620)
            browser.close()
    finally:
        server.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
