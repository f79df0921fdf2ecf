"""Acts: each asks first, shows how much it touches, is written down, and is for operators alone."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import psycopg
import pytest

from tests.console.commands.rows import delivery, insert
from tests.console.pages.running import OPERATOR, PERSON, READER, RunningConsole

AGO = datetime.now(UTC) - timedelta(hours=20)
ACTS = ("replay", "redeliver", "enable", "disable", "test")


def audit(database_url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            "SELECT who, act, subject, touched, address FROM rollcall.audit ORDER BY id"
        ).fetchall()


def statuses(database_url: str, table: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        statement = f"SELECT status FROM rollcall.{table} ORDER BY 1".encode()
        return [row[0] for row in connection.execute(statement)]


def act(console: RunningConsole, path: str, user: str = OPERATOR, **changed: str) -> httpx2.Response:
    """Confirm what the page at `path` asks."""
    name = path.partition("?")[0]
    with console.client(user, {"origin": console.url}) as client:
        page = client.get(path).text
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
        return client.post(name, data={**fields, **changed})


def endpoint(database_url: str) -> None:
    insert(database_url, "endpoints", id="ep_1", name="crm", url="https://example.com/hook?token=s3cret")
    insert(database_url, "endpoint_states", endpoint_id="ep_1", failing_since=AGO)
    for number in range(3):
        insert(
            database_url, "messages", id=f"msg_{number}", type="session.settled", occurred_at=AGO, session_id="s1",
            body={"data": {"name": "Ada Lovelace"}},
        )  # fmt: skip
        insert(
            database_url, "message_deliveries", message_id=f"msg_{number}", endpoint_id="ep_1", position=number + 1,
            session_id="s1", status="given_up" if number else "delivered", attempts=1,
        )  # fmt: skip
        insert(
            database_url, "attempts", message_id=f"msg_{number}", endpoint_id="ep_1", number=1, at=AGO, duration_ms=5,
            status=500, error="answer 500", answer="no such customer Ada",
        )  # fmt: skip


def test_a_delivery_is_replayed_once_it_is_confirmed(console: RunningConsole, database_url: str) -> None:
    one = delivery(database_url, AGO, status="unknown", payload={"event": "x.y"}, event="x.y", session_id=None)
    assert f"/acts/replay?delivery={one}" in console.get(f"/deliveries/{one}")
    page = console.get(f"/acts/replay?delivery={one}")
    assert "Process 1 delivery again?" in page
    assert audit(database_url) == []
    answer = act(console, f"/acts/replay?delivery={one}")
    assert answer.status_code == 200
    assert "Replayed 1 delivery" in answer.text
    assert audit(database_url) == [(OPERATOR, "replay", f"delivery {one}", 1, "127.0.0.1")]


def test_what_a_filter_shows_is_replayed_and_nothing_else(console: RunningConsole, database_url: str) -> None:
    for number in range(3):
        event = "x.y" if number else "other"
        delivery(database_url, AGO, status="unknown", payload={"event": event}, event=event, session_id=None)
    assert "/acts/replay?status=unknown&amp;event=x.y" in console.get("/deliveries?status=unknown&event=x.y")
    answer = act(console, "/acts/replay?status=unknown&event=x.y")
    assert "Replayed 2 deliveries" in answer.text
    assert audit(database_url) == [(OPERATOR, "replay", "status=unknown&event=x.y", 2, "127.0.0.1")]


def test_text_that_was_looked_for_is_not_written_down(console: RunningConsole, database_url: str) -> None:
    delivery(
        database_url, AGO, status="quarantined", payload={"event": "x"}, error="name Ada Lovelace", session_id=None
    )
    act(console, "/acts/replay?error=ada")
    assert "ada" not in audit(database_url)[0][2]


def test_an_act_that_has_come_to_touch_more_asks_again(console: RunningConsole, database_url: str) -> None:
    delivery(database_url, AGO, status="unknown", payload={"event": "x.y"}, event="x.y", session_id=None)
    answer = act(console, "/acts/replay?status=unknown", touched="7")
    assert "Process 1 delivery again?" in answer.text
    assert audit(database_url) == []


def test_messages_are_sent_again(console: RunningConsole, database_url: str) -> None:
    endpoint(database_url)
    assert "/acts/redeliver?" in console.get("/automations?endpoint=ep_1&status=given_up")
    answer = act(console, "/acts/redeliver?endpoint=ep_1&status=given_up")
    assert "2 messages go out again." in answer.text
    assert statuses(database_url, "message_deliveries") == ["delivered", "pending", "pending"]
    assert audit(database_url)[0][1:4] == ("redeliver", "endpoint=ep_1&status=given_up", 2)
    assert "1 message goes out again." in act(console, "/acts/redeliver?message=msg_0").text
    console.get("/acts/redeliver", status=409)


def test_an_endpoint_is_disabled_enabled_and_tested(console: RunningConsole, database_url: str) -> None:
    endpoint(database_url)
    assert "Disabled crm" in act(console, "/acts/disable?endpoint=ep_1").text
    assert statuses(database_url, "endpoints") == ["disabled"]
    assert act(console, "/acts/test?endpoint=ep_1").status_code == 409
    assert "Enable …" in console.get("/automations?endpoint=ep_1")
    assert "Enabled crm: 2 messages go out." in act(console, "/acts/enable?endpoint=ep_1").text
    assert act(console, "/acts/enable?endpoint=ep_1").status_code == 409
    assert "is on its way" in act(console, "/acts/test?endpoint=ep_1").text
    assert [row[1] for row in audit(database_url)] == ["disable", "test", "enable", "enable", "test"]
    console.get("/acts/enable?endpoint=none", status=404)


@pytest.mark.parametrize("user", [READER, PERSON])
@pytest.mark.parametrize("name", ACTS)
def test_who_only_looks_can_neither_ask_nor_act(
    console: RunningConsole, database_url: str, name: str, user: str
) -> None:
    endpoint(database_url)
    console.get(f"/acts/{name}?endpoint=ep_1", user, status=403)
    assert act(console, f"/acts/{name}?endpoint=ep_1", user, endpoint="ep_1", touched="1").status_code == 403
    with console.client(headers={"origin": console.url}) as client:
        assert client.post(f"/acts/{name}", data={"endpoint": "ep_1", "touched": "1"}).headers["location"] == "/login"
    with console.client(OPERATOR, {"origin": "https://evil.example"}) as client:
        assert client.post(f"/acts/{name}", data={"endpoint": "ep_1", "touched": "1"}).status_code == 403
    assert audit(database_url) == []
    for page in ("/automations?endpoint=ep_1", "/deliveries?status=unknown", "/automations/messages/msg_0"):
        assert "/acts/" not in console.get(page, user)


def test_a_message_shows_each_try_and_its_body_to_who_may_see_it(console: RunningConsole, database_url: str) -> None:
    endpoint(database_url)
    pages = ["/automations", "/automations?endpoint=ep_1", "/automations/messages/msg_0",
             "/automations?csv=messages", "/automations/messages/msg_0?csv=attempts"]  # fmt: skip
    assert "Ada Lovelace" in console.get("/automations/messages/msg_0", PERSON)
    assert "no such customer Ada" in console.get("/automations/messages/msg_0", PERSON)
    for page in pages:
        shown = console.get(page, READER)
        assert "Ada" not in shown
        assert "answer 500" in shown or page in {"/automations", "/automations?csv=messages"}
        assert "s3cret" not in console.get(page, OPERATOR)
    console.get("/automations/messages/none", status=404)


def test_health_shows_what_doctor_finds(console: RunningConsole) -> None:
    page = console.get("/health", READER)
    assert 'class="status ok"' in page
    assert "database" in page
