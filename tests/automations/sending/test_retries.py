"""The schedule, giving up, and what becomes of an endpoint that fails for days: by a clock that the test moves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from automations.enabling import disable, enable, send_again
from automations.sending.failing import Failing, is_to_be_disabled, warning_due
from automations.sending.schedule import DEFAULT, delay_after
from tests.automations.sending.outbox import Outbox
from tests.automations.sending.receiving import Receiving, Reply
from tests.receiver.running import wait_until

HOURS = timedelta(hours=1)
BAD = Reply(500, body=b"broken")


def test_the_schedule_is_ten_attempts_over_three_days_each_delay_a_fifth_either_way() -> None:
    assert list(DEFAULT) == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert [delay_after(number, None, 0.5) for number in range(1, 11)] == [*DEFAULT, None]
    assert delay_after(2, None, 0.0) == pytest.approx(240)
    assert delay_after(2, None, 1.0) == pytest.approx(360)
    assert delay_after(1, (7.0,), 0.5) == 7
    assert delay_after(2, (7.0,), 0.5) is None
    assert delay_after(1, (), 0.5) is None


def test_a_message_is_tried_ten_times_by_the_schedule_and_then_given_up(outbox: Outbox, server: Receiving) -> None:
    server.answer("/a", BAD)
    message = outbox.put(outbox.add_endpoint(f"{server.url}/a"))
    with outbox.sending():
        for number, delay in enumerate(DEFAULT, start=1):
            outbox.wait_for_attempts(message, number)
            due_in = outbox.delivery(message)["due_in"] - outbox.clock.ahead
            assert timedelta(seconds=delay - 4) < due_in <= timedelta(seconds=delay)
            outbox.move(timedelta(seconds=delay))
        outbox.wait_for_status("given_up", message)
    row = outbox.delivery(message)
    assert (row["reason"], row["attempts"], row["next_attempt_at"]) == ("schedule", 10, None)
    attempts = outbox.attempts(message)
    assert [one["number"] for one in attempts] == list(range(1, 11))
    assert {(one["status"], one["error"], one["answer"]) for one in attempts} == {
        (500, "The endpoint answered 500.", "broken")
    }
    assert len({request.body for request in server.of("/a")}) == 1, "the body is frozen"
    assert len({request.id for request in server.of("/a")}) == 1


def test_a_retry_that_succeeds_ends_the_failure(outbox: Outbox, server: Receiving) -> None:
    server.answer("/a", BAD, Reply())
    endpoint = outbox.add_endpoint(f"{server.url}/a", schedule=[3600.0])
    message = outbox.put(endpoint)
    with outbox.sending():
        outbox.wait_for_attempts(message, 1)
        assert outbox.state(endpoint)["failing_since"] is not None
        outbox.move(HOURS)
        outbox.wait_for_status("delivered", message)
    state = outbox.state(endpoint)
    assert (state["failing_since"], state["warned"]) == (None, 0)
    assert state["last_delivered_at"] > state["last_failed_at"]


@pytest.mark.parametrize(
    ("age", "span", "is_disabled"),
    [(119, 119, False), (120, 12, True), (120, 11, False), (500, 0, False), (500, 11, False), (500, 12, True)],
)
def test_five_days_without_a_success_count_if_the_failures_span_twelve_hours(
    age: int, span: int, *, is_disabled: bool
) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    since = now - age * HOURS
    assert is_to_be_disabled(Failing("ep", since, since + span * HOURS, 0), now) == is_disabled


@pytest.mark.parametrize(
    ("age", "warned", "level"), [(59, 0, None), (60, 0, 50), (60, 50, None), (84, 50, 70), (84, 0, 70), (110, 70, 90)]
)
def test_a_warning_is_due_once_for_each_level(age: int, warned: int, level: int | None) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert warning_due(Failing("ep", now - age * HOURS, now, warned), now) == level


def test_an_endpoint_that_fails_for_five_days_is_told_of_at_50_70_and_90_percent_and_then_disabled(
    outbox: Outbox, server: Receiving
) -> None:
    server.answer("/bad", BAD)
    bad = outbox.add_endpoint(f"{server.url}/bad", schedule=[86400.0] * 9)
    other = outbox.add_endpoint(f"{server.url}/other", types=["endpoint.*"])
    outbox.add_endpoint(f"{server.url}/uninterested", types=["session.*"])
    message = outbox.put(bad)
    later = outbox.put(bad, next_attempt="now() + interval '100 days'")
    with outbox.sending(count=0.2):
        outbox.wait_for_attempts(message, 1)
        for hours, told in ((59, 0), (2, 1), (22, 1), (2, 2), (22, 2), (2, 3)):
            outbox.move(hours * HOURS)
            server.wait_for("/other", told)
        assert outbox.endpoint_status(bad) == "enabled"
        outbox.move(12 * HOURS)
        wait_until(lambda: outbox.endpoint_status(bad) == "disabled", "the endpoint is disabled")
        outbox.wait_for_status("held", message, later)
        requests = server.wait_for("/other", 4)
    kinds = [b"endpoint.disabled" in request.body for request in requests]
    assert kinds == [False, False, False, True]
    assert server.of("/uninterested") == []
    assert outbox.endpoint_status(other) == "enabled"
    assert outbox.delivery(later)["reason"] == "disabled"


def test_enabling_clears_the_counters_and_sends_what_was_set_aside_in_order(outbox: Outbox, server: Receiving) -> None:
    endpoint = outbox.add_endpoint(f"{server.url}/a", max_in_flight=1)
    before = outbox.put(endpoint, status="given_up", reason="schedule")
    outbox.connection.execute("UPDATE rollcall.message_deliveries SET changed_at = now() - interval '1 day'")
    given_up = outbox.put(endpoint, status="given_up", reason="schedule")
    aborted = outbox.put(endpoint, status="given_up", reason="aborted")
    held = outbox.put(endpoint, status="held", reason="disabled")
    old = outbox.put(endpoint, status="held", reason="old")
    waiting = outbox.put(endpoint)
    outbox.connection.execute(
        "INSERT INTO rollcall.endpoint_states (endpoint_id, failing_since, last_failed_at, warned) "
        "VALUES (%s, now() - interval '1 hour', now(), 90)",
        [endpoint],
    )
    with outbox.connection.transaction(), outbox.connection.cursor() as cursor:
        assert disable(cursor, endpoint, "by hand") == 1
        assert disable(cursor, endpoint, "by hand") is None
    assert enable(outbox.connection, endpoint) == 3
    assert enable(outbox.connection, endpoint) is None
    state = outbox.state(endpoint)
    assert (state["failing_since"], state["last_failed_at"], state["warned"]) == (None, None, 0)
    with outbox.sending():
        outbox.wait_for_status("delivered", given_up, held, waiting)
    assert [request.id for request in server.of("/a")] == [given_up, held, waiting]
    assert outbox.statuses([before, aborted, old]) == ["given_up", "given_up", "held"]


def in_order(server: Receiving, path: str, *messages: str) -> bool:
    got = [request.id for request in server.of(path) if request.id in messages]
    return list(dict.fromkeys(got)) == list(messages)


def test_with_order_session_the_next_message_waits_until_the_one_before_is_done(
    outbox: Outbox, server: Receiving
) -> None:
    server.answer("/a", BAD, BAD, Reply())
    endpoint = outbox.add_endpoint(f"{server.url}/a", order_by="session", schedule=[60.0])
    waits: dict[str, Any] = {"next_attempt": "'infinity'::timestamptz"}
    first, second, third = (outbox.put(endpoint, session_id="s", **(waits if number else {})) for number in range(3))
    with outbox.sending():
        outbox.wait_for_attempts(first, 1)
        other = outbox.put(endpoint, session_id="t")
        outbox.wait_for_attempts(other, 1)
        assert [request.id for request in server.of("/a")] == [first, other]
        outbox.move(timedelta(minutes=1))
        outbox.wait_for_status("delivered", first, second, third, other)
    assert in_order(server, "/a", first, second, third)


def test_with_order_session_what_is_given_up_makes_way_too(outbox: Outbox, server: Receiving) -> None:
    server.answer("/a", BAD, Reply())
    endpoint = outbox.add_endpoint(f"{server.url}/a", order_by="session", schedule=[])
    first = outbox.put(endpoint, session_id="s")
    second = outbox.put(endpoint, session_id="s", next_attempt="'infinity'::timestamptz")
    with outbox.sending():
        outbox.wait_for_status("delivered", second)
    assert outbox.statuses([first]) == ["given_up"]


def test_what_is_sent_again_keeps_the_order_of_its_session(outbox: Outbox, server: Receiving) -> None:
    endpoint = outbox.add_endpoint(f"{server.url}/a", order_by="session")
    messages = [outbox.put(endpoint, session_id="s", status="held", reason="old") for _ in range(5)]
    with outbox.connection.transaction(), outbox.connection.cursor() as cursor:
        assert send_again(cursor, endpoint, messages) == 5
    [(due,)] = outbox.connection.execute(
        "SELECT count(*) FROM rollcall.message_deliveries WHERE next_attempt_at < 'infinity'"
    )
    assert due == 1
    with outbox.sending():
        outbox.wait_for_status("delivered", *messages)
    assert in_order(server, "/a", *messages)
