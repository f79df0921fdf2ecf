"""Capacity is per endpoint: how much goes at once and how fast, how much may wait; one that hangs slows no other."""

import threading
import time

from tests.automations.sending.outbox import Outbox
from tests.automations.sending.receiving import Receiving, Reply, Request
from tests.receiver.running import wait_until


def test_an_endpoint_that_hangs_slows_no_other(outbox: Outbox, server: Receiving) -> None:
    server.answer("/hangs", Reply(act=server.hang))
    hanging = outbox.add_endpoint(f"{server.url}/hangs", max_in_flight=10)
    others = [outbox.add_endpoint(f"{server.url}/{number}") for number in range(5)]
    stuck = [outbox.put(hanging) for _ in range(50)]
    with outbox.sending():
        server.wait_for("/hangs", 10)
        messages = [outbox.put(*others) for _ in range(20)]
        wait_until(
            lambda: (
                outbox.connection.execute(
                    "SELECT count(*) FROM rollcall.message_deliveries WHERE status = 'delivered'"
                ).fetchone()
                == (100,)
            ),
            "the others get all of theirs",
            # Well before the hanging one has answered anything.
            seconds=12,
        )
        assert len(server.of("/hangs")) == 10
        server.over.set()
    assert set(outbox.statuses(stuck)) == {"pending"}
    assert len(messages) == 20


def test_no_more_requests_are_in_flight_than_the_endpoint_allows(outbox: Outbox, server: Receiving) -> None:
    lock = threading.Lock()
    now, most = 0, 0

    def count(_: Request) -> Reply:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return Reply()

    server.answering["/a"] = count
    endpoint = outbox.add_endpoint(f"{server.url}/a", max_in_flight=3)
    messages = [outbox.put(endpoint) for _ in range(60)]
    with outbox.sending():
        outbox.wait_for_status("delivered", *messages)
    assert most == 3


def test_a_rate_is_kept_and_first_attempts_leave_in_order(outbox: Outbox, server: Receiving) -> None:
    at: list[float] = []

    def note(_: Request) -> Reply:
        at.append(time.monotonic())
        return Reply()

    server.answering["/a"] = note
    endpoint = outbox.add_endpoint(f"{server.url}/a", rate=20, max_in_flight=1)
    messages = [outbox.put(endpoint) for _ in range(21)]
    with outbox.sending():
        outbox.wait_for_status("delivered", *messages)
    assert [request.id for request in server.of("/a")] == messages
    # Slower is always possible, so only faster would be wrong; a request more may come at once after a pause.
    assert at[-1] - at[0] >= 19 / 20 - 0.1


def test_beyond_the_limit_the_oldest_are_given_up_with_an_alarm(outbox: Outbox, server: Receiving) -> None:
    ordered = outbox.add_endpoint(f"{server.url}/ordered", order_by="session")
    waiting = "now() + interval '1 hour'"
    messages = [outbox.put(ordered, session_id="s", next_attempt=waiting)]
    messages += [outbox.put(ordered, session_id="s", next_attempt="'infinity'::timestamptz") for _ in range(9)]
    with outbox.sending(most_waiting=6, count=0.1) as metrics:
        wait_until(lambda: outbox.statuses(messages)[:4] == ["given_up"] * 4, "the oldest are given up")
        # Which lets the next of the session go.
        outbox.wait_for_status("delivered", *messages[4:])
        assert metrics.registry.get_sample_value("rollcall_automations_overflowed_total") == 4
    assert {outbox.delivery(one)["reason"] for one in messages[:4]} == {"overflow"}
    assert [request.id for request in server.of("/ordered")] == messages[4:]


def test_a_disabled_endpoint_gets_nothing_and_what_was_still_written_for_it_is_held(
    outbox: Outbox, server: Receiving
) -> None:
    endpoint = outbox.add_endpoint(f"{server.url}/a", status="disabled")
    message = outbox.put(endpoint)
    with outbox.sending(count=0.1):
        outbox.wait_for_status("held", message)
    assert outbox.delivery(message)["reason"] == "disabled"
    assert server.requests == []


def test_a_new_url_is_used_once_what_was_under_way_is_done(outbox: Outbox, server: Receiving) -> None:
    answered = threading.Event()

    def wait(_: Request) -> Reply:
        answered.wait(10)
        return Reply()

    server.answering["/old"] = wait
    endpoint = outbox.add_endpoint(f"{server.url}/old")
    first = outbox.put(endpoint)
    with outbox.sending():
        server.wait_for("/old", 1)
        outbox.connection.execute("UPDATE rollcall.endpoints SET url = %s", [f"{server.url}/new"])
        second = outbox.put(endpoint)
        answered.set()
        outbox.wait_for_status("delivered", first, second)
    assert [request.id for request in server.of("/old")][:1] == [first]
    assert len(server.requests) == 2
