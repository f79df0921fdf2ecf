"""What only a browser shows: that everybody can use the pages, that nothing is blocked, that live pages follow."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest

from tests.console.commands.rows import SESSION, delivery, entry, insert, participant, session
from tests.console.pages.running import HEADER, OPERATOR, PASSWORD, RunningConsole

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
# What WCAG 2.2 AA asks for.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CHECK = f"""async () => {{
    const found = await axe.run({{runOnly: {json.dumps(TAGS)}}});
    return found.violations.map(one => [one.id, one.nodes.map(node => node.html)]);
}}"""
LOOKS = [("light", 1440), ("dark", 1440), ("light", 320), ("dark", 320)]
NOW = datetime.now(UTC)
OBSERVATION = UUID(int=1)
BEGAN = NOW - timedelta(minutes=50)


def fill(database_url: str) -> list[str]:
    """Put something on every page; return the pages."""
    session(database_url, title="Algebra", started_at=BEGAN, status="ended", ended_at=NOW, last_event_at=NOW)
    session(database_url, "live", title="History", started_at=BEGAN, last_event_at=NOW)
    joined = entry(database_url, "participant.joined", BEGAN, BEGAN, subject_id="peer-1")
    for number in range(25):
        participant(
            database_url, f"peer-{number}", custom_participant_id=f"student-{number}", display_name=f"Ada {number}",
            joined_at=BEGAN, left_at=NOW, left_source="event" if number % 2 else "session_end",
        )  # fmt: skip
    participant(database_url, "peer-l", session_id="live", display_name="Ben", joined_at=BEGAN)
    insert(database_url, "recordings", id="r1", session_id=SESSION, status="UPLOADED", started_at=BEGAN, stopped_at=NOW)
    bad = delivery(database_url, NOW, status="quarantined", error="not an object", payload={"event": "x"})
    insert(
        database_url, "observations", id=OBSERVATION, source="dyte", kind="participant", subject_id="peer-2",
        session_id=SESSION, observed_at=NOW, confirmed_at=NOW, body_sha256=b"x" * 32, payload={"id": "peer-2"},
    )  # fmt: skip
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE rollcall.participants SET left_source = 'api', observed_by = %s WHERE peer_id = 'peer-2'",
            [OBSERVATION],
        )
    insert(database_url, "endpoints", id="ep_1", name="crm", url="https://example.com/")
    insert(database_url, "endpoint_states", endpoint_id="ep_1", failing_since=NOW)
    insert(database_url, "messages", id="msg_1", type="session.settled", occurred_at=NOW, body={"data": {}})
    insert(database_url, "message_deliveries", message_id="msg_1", endpoint_id="ep_1", position=1, status="given_up")
    return [
        "/", "/sessions", "/sessions?title=nothing", f"/sessions/{SESSION}", "/sessions/live", "/recordings",
        "/deliveries", f"/deliveries/{joined}", f"/deliveries/{bad}", f"/observations/{OBSERVATION}",
        "/people/student-1", "/meetings/m1", "/usage", "/automations",
        "/automations?endpoint=ep_1", "/automations/messages/msg_1", "/health", f"/acts/replay?delivery={bad}",
        "/nothing",
    ]  # fmt: skip


@contextmanager
def opened(
    browser: "Browser", console: RunningConsole, user: str | None = OPERATOR, **options: Any
) -> "Iterator[Page]":
    """A page, whose browser has complained of nothing in the end and has asked nobody else."""
    headers = {HEADER: user} if user else {}
    context = browser.new_context(base_url=console.url, extra_http_headers=headers, **options)
    complaints: list[str] = []
    page = context.new_page()
    page.on(
        "console", lambda said: complaints.append(said.text) if "Failed to load resource" not in said.text else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(console.url) else None)
    try:
        yield page
        assert complaints == []
    finally:
        context.close()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing_on_any_page(
    browser: "Browser", console: RunningConsole, database_url: str, scheme: Any, width: int
) -> None:
    pages = fill(database_url)
    found = {}
    with opened(browser, console, color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
        for path in pages:
            page.goto(path)
            page.evaluate(AXE)
            found[path] = page.evaluate(CHECK)
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wider <= 0, path
            assert page.title().endswith(" · Rollcall")
            assert page.locator("h1").count() == 1
    with opened(browser, console, None, color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
        page.goto("/login")
        page.evaluate(AXE)
        found["/login"] = page.evaluate(CHECK)
    assert {path: violations for path, violations in found.items() if violations} == {}


def test_everything_works_without_javascript(browser: "Browser", console: RunningConsole, database_url: str) -> None:
    fill(database_url)
    with opened(browser, console, None, java_script_enabled=False) as page:
        page.goto("/sessions?title=algebra")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("link", name="Algebra").click()
        assert page.locator("h1").inner_text() == "Algebra"
        page.get_by_label("Person").fill("ada 7")
        page.get_by_role("button", name="Show").click()
        assert page.locator("#people tbody tr").count() == 1
        page.get_by_role("link", name="Deliveries", exact=True).click()
        page.get_by_label("Status").select_option("quarantined")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name="Replay what these filters show").click()
        page.get_by_role("button", name="Replay").click()
        assert "Replayed 1 delivery" in page.get_by_role("status").inner_text()
        page.get_by_role("button", name="Log out").click()
        assert page.url.endswith("/login")
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT who, act, touched FROM rollcall.audit").fetchall() == [
            ("password", "replay", 1)
        ]


def test_a_session_is_found_by_keyboard_alone(browser: "Browser", console: RunningConsole, database_url: str) -> None:
    fill(database_url)
    with opened(browser, console) as page:
        page.goto("/")

        def tab_to(text: str) -> None:
            for _ in range(80):
                page.keyboard.press("Tab")
                if page.evaluate("document.activeElement.innerText || document.activeElement.name") == text:
                    return
            raise AssertionError(text)

        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
        tab_to("Sessions")
        page.keyboard.press("Enter")
        page.wait_for_url("**/sessions")
        tab_to("title")
        page.keyboard.type("algebra")
        page.keyboard.press("Enter")
        page.wait_for_url("**title=algebra**")
        tab_to("Algebra")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/sessions/{SESSION}")


def test_a_live_page_follows(browser: "Browser", console: RunningConsole, database_url: str) -> None:
    with opened(browser, console) as page:
        page.goto("/")
        page.get_by_text("No session is live.").wait_for()
        session(database_url, title="It has begun", started_at=NOW, last_event_at=NOW)
        page.get_by_role("link", name="It has begun").wait_for()


def test_times_are_in_the_viewers_zone(browser: "Browser", console: RunningConsole, database_url: str) -> None:
    fill(database_url)
    with opened(browser, console, timezone_id="Asia/Tokyo") as page:
        page.goto("/sessions")
        page.get_by_text("Times are in Asia/Tokyo").wait_for()
        page.goto("/sessions?tz=UTC")
        page.get_by_text("Times are in UTC").wait_for()
