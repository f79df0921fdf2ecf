"""What becomes of an attempt, by the answer: each over a real socket."""

import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from automations.sending.guard import Guard
from automations.sending.way import Way
from tests.automations.sending.outbox import Outbox
from tests.automations.sending.receiving import Receiving, Reply, cut_off, hang_up
from tests.processes import free_port
from tests.receiver.running import wait_until


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_an_answer_from_200_to_299_means_delivered(outbox: Outbox, server: Receiving, status: int) -> None:
    server.answer("/a", Reply(status, body=b"" if status == 204 else b"thanks\x00!"))
    message = outbox.put(outbox.add_endpoint(f"{server.url}/a"))
    with outbox.sending():
        outbox.wait_for_status("delivered", message)
    row, [attempt] = outbox.delivery(message), outbox.attempts(message)
    assert (row["attempts"], row["reason"], row["next_attempt_at"]) == (1, None, None)
    assert row["delivered_at"] is not None
    assert (attempt["number"], attempt["status"], attempt["error"]) == (1, status, None)
    assert attempt["answer"] == (None if status == 204 else "thanks!")
    assert attempt["duration_ms"] >= 0
    [request] = server.of("/a")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("Rollcall/")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 400, 401, 404, 408, 500, 501])
def test_another_answer_means_failed_and_no_redirect_is_followed(
    outbox: Outbox, server: Receiving, status: int
) -> None:
    server.answer("/a", Reply(status, {"location": f"{server.url}/elsewhere"}))
    message = outbox.put(outbox.add_endpoint(f"{server.url}/a"))
    with outbox.sending():
        [attempt] = outbox.wait_for_attempts(message, 1)
    row = outbox.delivery(message)
    assert (row["status"], row["attempts"]) == ("pending", 1)
    assert timedelta(seconds=2) < row["due_in"] <= timedelta(seconds=5)
    assert attempt["status"] == status
    assert str(status) in attempt["error"]
    assert server.of("/elsewhere") == []


def test_only_the_first_2_kb_of_an_answer_are_kept(outbox: Outbox, server: Receiving) -> None:
    server.answer("/a", Reply(200, body=b"\x00ab" * 100_000))
    message = outbox.put(outbox.add_endpoint(f"{server.url}/a"))
    with outbox.sending():
        outbox.wait_for_status("delivered", message)
    [attempt] = outbox.attempts(message)
    assert attempt["answer"] == ("\x00ab" * 1000)[:2048].replace("\x00", "")


def test_410_disables_the_endpoint_at_once_and_holds_what_waits(outbox: Outbox, server: Receiving) -> None:
    server.answer("/gone", Reply(410))
    endpoint = outbox.add_endpoint(f"{server.url}/gone", max_in_flight=1)
    other = outbox.add_endpoint(f"{server.url}/other")
    first = outbox.put(endpoint)
    waiting = [outbox.put(endpoint, next_attempt="now() + interval '1 hour'") for _ in range(3)]
    with outbox.sending():
        outbox.wait_for_status("held", first, *waiting)
        [request] = server.wait_for("/other", 1)
    assert outbox.endpoint_status(endpoint) == "disabled"
    assert {outbox.delivery(one)["reason"] for one in [first, *waiting]} == {"disabled"}
    assert b'"endpoint.disabled"' in request.body
    assert endpoint.encode() in request.body
    assert b"/gone" not in request.body
    assert outbox.endpoint_status(other) == "enabled"


@pytest.mark.parametrize("status", [200, 400, 500, 503])
def test_an_answer_that_says_abort_is_final(outbox: Outbox, server: Receiving, status: int) -> None:
    server.answer("/a", Reply(status, {"Webhook-Delivery": "abort-message"}))
    message = outbox.put(outbox.add_endpoint(f"{server.url}/a"))
    with outbox.sending():
        outbox.wait_for_status("given_up", message)
    assert outbox.delivery(message)["reason"] == "aborted"
    assert len(outbox.attempts(message)) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_slows_the_whole_endpoint_and_uses_up_no_attempt(
    outbox: Outbox, server: Receiving, status: int, form: str
) -> None:
    # A date has whole seconds, so it asks for up to one less.
    after = "7200" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    server.answer("/a", Reply(status, {"retry-after": after}), Reply())
    endpoint = outbox.add_endpoint(f"{server.url}/a", max_in_flight=1)
    canary = outbox.add_endpoint(f"{server.url}/canary")
    first, second = outbox.put(endpoint), outbox.put(endpoint)
    with outbox.sending():
        outbox.wait_for_attempts(first, 1)
        outbox.move(timedelta(minutes=115))
        outbox.wait_for_status("delivered", outbox.put(canary))
        assert len(server.of("/a")) == 1
        assert outbox.delivery(second)["attempts"] == 0
        row = outbox.delivery(first)
        assert row["attempts"] == 0
        assert timedelta(minutes=119) < row["due_in"] <= timedelta(minutes=120)
        outbox.move(timedelta(minutes=6))
        outbox.wait_for_status("delivered", first, second)
    assert outbox.delivery(first)["attempts"] == 1
    assert [one["number"] for one in outbox.attempts(first)] == [1, 2]


def test_a_retry_after_that_is_earlier_than_the_schedule_changes_nothing(outbox: Outbox, server: Receiving) -> None:
    server.answer("/a", Reply(503, {"retry-after": "2"}))
    message = outbox.put(outbox.add_endpoint(f"{server.url}/a"))
    with outbox.sending():
        outbox.wait_for_attempts(message, 1)
    row = outbox.delivery(message)
    assert row["attempts"] == 1
    assert timedelta(seconds=2) < row["due_in"] <= timedelta(seconds=5)


@pytest.mark.parametrize("after", ["999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_is_obeyed_for_24_hours_at_most(outbox: Outbox, server: Receiving, after: str) -> None:
    server.answer("/a", Reply(503, {"retry-after": after}))
    message = outbox.put(outbox.add_endpoint(f"{server.url}/a"))
    with outbox.sending():
        outbox.wait_for_attempts(message, 1)
    assert timedelta(hours=23) < outbox.delivery(message)["due_in"] <= timedelta(hours=24)


@pytest.mark.parametrize("after", ["", "soon", "-5", "٣", "Thu, 01 Jan 1970 00:00:00 GMT", "1e9", "nan"])
def test_a_retry_after_that_can_not_be_read_counts_as_none(outbox: Outbox, server: Receiving, after: str) -> None:
    server.answer("/a", Reply(503, {"retry-after": after.encode().decode("latin-1")}))
    message = outbox.put(outbox.add_endpoint(f"{server.url}/a"))
    with outbox.sending():
        outbox.wait_for_attempts(message, 1)
    row = outbox.delivery(message)
    assert row["attempts"] == 1
    assert row["due_in"] <= timedelta(seconds=5)


def test_a_message_that_is_asked_to_wait_again_and_again_is_given_up_in_the_end(
    outbox: Outbox, server: Receiving
) -> None:
    server.answer("/a", Reply(503, {"retry-after": "86400"}))
    endpoint = outbox.add_endpoint(f"{server.url}/a", schedule=[5.0])
    message = outbox.put(endpoint)
    outbox.connection.execute("UPDATE rollcall.messages SET created_at = now() - interval '6 days'")
    with outbox.sending():
        outbox.wait_for_attempts(message, 1)
        assert outbox.delivery(message)["attempts"] == 1
        outbox.move(timedelta(hours=25))
        outbox.wait_for_status("given_up", message)
    assert outbox.delivery(message)["reason"] == "schedule"


def test_no_whole_answer_in_time_means_failed(outbox: Outbox, server: Receiving) -> None:
    def drip(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            while not server.over.wait(0.1):
                connection.sendall(b"x")

    server.answer("/silent", Reply(act=server.hang))
    server.answer("/slow", Reply(act=drip))
    silent = outbox.put(outbox.add_endpoint(f"{server.url}/silent"))
    slow = outbox.put(outbox.add_endpoint(f"{server.url}/slow"))
    with outbox.sending(attempt=1.0):
        attempts = [*outbox.wait_for_attempts(silent, 1), *outbox.wait_for_attempts(slow, 1)]
    assert {one["error"] for one in attempts} == {"There was no whole answer within 1 s."}
    assert {one["status"] for one in attempts} == {None}
    assert {outbox.delivery(one)["status"] for one in (silent, slow)} == {"pending"}


def test_an_answer_that_is_cut_off_is_no_answer(outbox: Outbox, server: Receiving) -> None:
    server.answer("/half", Reply(act=cut_off))
    server.answer("/none", Reply(act=hang_up))
    server.answer("/odd", Reply(act=lambda connection: connection.sendall(b"what?\r\n\r\n")))
    messages = {path: outbox.put(outbox.add_endpoint(server.url + path)) for path in ("/half", "/none", "/odd")}
    with outbox.sending():
        errors = {path: outbox.wait_for_attempts(one, 1)[0]["error"] for path, one in messages.items()}
    assert errors["/half"] == "The connection was cut off in the middle of the answer."
    assert "cut off before an answer" in errors["/none"]
    assert "cut off before an answer" in errors["/odd"]
    assert {outbox.delivery(one)["status"] for one in messages.values()} == {"pending"}


def test_no_connection_is_a_failure_that_says_why(outbox: Outbox, server: Receiving) -> None:
    async def resolve(name: str) -> list[str]:
        if name == "nowhere.example":
            raise OSError("Name or service not known")
        return ["127.0.0.1"]

    messages = {
        name: outbox.put(outbox.add_endpoint(url))
        for name, url in {
            "dns": "https://nowhere.example/a",
            "tls": f"https://plain.example:{server.port}/a",
            "refused": f"http://127.0.0.1:{free_port()}/a",
        }.items()
    }
    with outbox.sending(Way(Guard(loopback=True), resolve=resolve)):
        errors = {name: outbox.wait_for_attempts(one, 1)[0]["error"] for name, one in messages.items()}
    assert errors["dns"] == "The name nowhere.example can't be resolved (Name or service not known)."
    assert errors["tls"].startswith("TLS: the handshake failed")
    assert errors["refused"] == "The connection was refused."


def test_metrics_count_attempts_by_result(outbox: Outbox, server: Receiving) -> None:
    server.answer("/bad", Reply(500))
    good = outbox.put(outbox.add_endpoint(f"{server.url}/good"))
    bad = outbox.put(outbox.add_endpoint(f"{server.url}/bad"))
    with outbox.sending() as metrics:
        outbox.wait_for_status("delivered", good)
        outbox.wait_for_attempts(bad, 1)

        def value(name: str, **labels: str) -> float | None:
            return metrics.registry.get_sample_value(f"rollcall_automations_{name}", labels)

        assert value("attempts_total", result="delivered") == 1
        assert value("attempts_total", result="failed") == 1
        wait_until(lambda: value("endpoints_failing") == 1, "the failing endpoint shows")
        wait_until(lambda: value("pending") == 1, "what waits shows")
        assert value("endpoints_unopened") == 0
