"""What is refused and what can't be decided yet, while key documents are missing, garbage, slow or rotated."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from receiver.keys.watch import Pace
from tests.receiver.conftest import MovableClock, Start
from tests.receiver.key_server import KeyServer
from tests.receiver.keys.asking import BODY, OFTEN, is_ready, status, status_a_minute_later
from tests.receiver.list_keeper import ListKeeper
from tests.receiver.running import RunningReceiver, public_pem, sign, wait_until

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_a_foreign_signature_is_refused_after_one_fetch_and_the_next_can_not_be_told_for_a_minute(
    watch: Callable[..., RunningReceiver],
    document: KeyServer,
    key: RSAPrivateKey,
    foreign_key: RSAPrivateKey,
    clock: MovableClock,
) -> None:
    receiver = watch(document)
    wait_until(lambda: is_ready(receiver), "there is a key")
    assert status(receiver, key) == 200
    assert document.fetches == 1
    assert status(receiver, foreign_key) == 401
    assert document.fetches == 2
    for _ in range(20):
        clock.move(seconds=2.9)
        assert status(receiver, foreign_key) == 503
        assert status(receiver, key) == 200
    assert document.fetches == 2
    clock.move(seconds=2.9)
    assert status(receiver, foreign_key) == 401
    assert document.fetches == 3


@pytest.mark.parametrize("days", [-30_000, -5, 5, 30_000])
def test_a_clock_that_jumps_drops_no_key_and_refuses_nobody_for_good(
    start: Start, document: KeyServer, second: KeyServer, key: RSAPrivateKey, foreign_key: RSAPrivateKey, days: int
) -> None:
    now = MovableClock()
    settings = {"key_urls": (document.url, second.url)}
    for _ in range(2):  # the second starts from what the first has stored
        document.serve_key(public_pem(key))
        receiver = start(settings=settings, clock=lambda: max(now(), EPOCH), pace=OFTEN)
        wait_until(lambda: is_ready(receiver), "there is a key")  # noqa: B023 - it is over by the next round
        document.serve_key(public_pem(foreign_key))
        assert status(receiver, foreign_key) == 200
        now.move(days=days)
        for document_now in (document, second):
            looks = document_now.fetches
            wait_until(lambda: document_now.fetches > looks + 3, "it was looked at since")  # noqa: B023
        # The old key counts; other signatures can't be judged while the second document does not answer.
        assert status(receiver, key) == 200
        assert receiver.post(BODY, rtk_signature=sign(key, b"another")).status == 503
        now.move(days=days)


def test_a_malformed_signature_is_refused_without_a_fetch(
    watch: Callable[..., RunningReceiver], document: KeyServer
) -> None:
    receiver = watch(document)
    assert receiver.post(BODY, dyte_signature="x").status == 401
    assert receiver.post(BODY).status == 401
    assert document.fetches == 1


def test_a_rotated_key_heals_with_the_first_delivery_it_signs_and_the_old_one_still_counts(
    watch: Callable[..., RunningReceiver],
    document: KeyServer,
    key: RSAPrivateKey,
    foreign_key: RSAPrivateKey,
) -> None:
    receiver = watch(document)
    wait_until(lambda: is_ready(receiver), "there is a key")
    document.serve_key(public_pem(foreign_key))
    assert status(receiver, foreign_key) == 200
    assert status(receiver, key) == 200
    assert document.fetches == 2


def test_deliveries_that_come_in_while_the_rotated_key_is_fetched_are_kept_too(
    watch: Callable[..., RunningReceiver], document: KeyServer, keeper: ListKeeper, foreign_key: RSAPrivateKey
) -> None:
    receiver = watch(document)
    wait_until(lambda: is_ready(receiver), "there is a key")
    document.serve_key(public_pem(foreign_key))
    document.gate.clear()
    with ThreadPoolExecutor(8) as pool:
        posts = [pool.submit(status, receiver, foreign_key) for _ in range(8)]
        wait_until(lambda: document.fetches == 2, "the document is fetched anew")
        document.gate.set()
        assert [post.result() for post in posts] == [200] * 8
    assert document.fetches == 2


def test_a_flood_of_forged_requests_causes_one_fetch_and_none_is_accepted(
    watch: Callable[..., RunningReceiver], document: KeyServer, key: RSAPrivateKey, foreign_key: RSAPrivateKey
) -> None:
    receiver = watch(document)
    wait_until(lambda: is_ready(receiver), "there is a key")
    with ThreadPoolExecutor(16) as pool:
        forged = [pool.submit(status, receiver, foreign_key) for _ in range(200)]
        good = [pool.submit(status, receiver, key) for _ in range(20)]
        assert {post.result() for post in forged} <= {401, 503}
        assert {post.result() for post in good} == {200}
    assert document.fetches == 2


def test_a_slow_document_is_not_waited_for_longer_than_the_vendor_waits(
    watch: Callable[..., RunningReceiver], document: KeyServer, key: RSAPrivateKey, foreign_key: RSAPrivateKey
) -> None:
    receiver = watch(document)
    wait_until(lambda: is_ready(receiver), "there is a key")
    document.gate.clear()
    # The document would never come: that there is an answer at all is the point.
    assert status(receiver, foreign_key) == 503
    assert status(receiver, key) == 200


@pytest.mark.parametrize(
    ("reply", "headers", "content"),
    [
        (404, {}, b"not here"),
        (500, {}, b""),
        (200, {}, b"garbage"),
        (200, {}, b" " * 100_000),
        (200, {"content-encoding": "gzip"}, b"\x1f\x8b\x08\x00"),
        (302, {"location": "/elsewhere"}, b""),
    ],
    ids=["not found", "broken", "garbage", "huge", "compressed", "redirect"],
)
def test_a_document_that_gives_no_keys_takes_none_away_and_proves_nothing(
    watch: Callable[..., RunningReceiver],
    document: KeyServer,
    key: RSAPrivateKey,
    foreign_key: RSAPrivateKey,
    reply: int,
    headers: dict[str, str],
    content: bytes,
) -> None:
    receiver = watch(document)
    wait_until(lambda: is_ready(receiver), "there is a key")
    document.status, document.headers, document.content = reply, headers, content
    assert status(receiver, foreign_key) == 503
    assert status(receiver, key) == 200
    assert document.fetches == 2


def test_of_two_documents_each_must_have_been_looked_at_before_a_signature_is_refused(
    watch: Callable[..., RunningReceiver],
    document: KeyServer,
    second: KeyServer,
    foreign_key: RSAPrivateKey,
    make_key: Callable[[], RSAPrivateKey],
    clock: MovableClock,
) -> None:
    receiver = watch(document, second)
    wait_until(lambda: is_ready(receiver), "there is a key")
    assert status(receiver, foreign_key) == 503
    second.serve_key(public_pem(foreign_key))
    clock.move(minutes=1)
    assert status(receiver, foreign_key) == 200
    clock.move(minutes=1)
    assert status(receiver, make_key()) == 401


def test_a_document_that_has_not_answered_for_a_day_is_no_longer_waited_for(
    start: Start,
    document: KeyServer,
    second: KeyServer,
    key: RSAPrivateKey,
    foreign_key: RSAPrivateKey,
    clock: MovableClock,
) -> None:
    receiver = start(settings={"key_urls": (document.url, second.url)}, steady=clock, pace=OFTEN)
    wait_until(lambda: is_ready(receiver), "there is a key")
    for _ in range(24):
        assert status(receiver, foreign_key) == 503
        # The old document is asked at its own pace; twice, so that one look began and ended within this hour.
        asked = second.fetches
        wait_until(lambda a=asked: second.fetches >= a + 2, "the silent document was asked")  # type: ignore[misc]
        clock.move(hours=1)
    wait_until(lambda: status_a_minute_later(receiver, foreign_key, clock) == 401, "it is refused")
    assert status(receiver, key) == 200


def test_when_no_document_answers_nothing_is_refused_however_long(
    start: Start, second: KeyServer, foreign_key: RSAPrivateKey, clock: MovableClock
) -> None:
    receiver = start(settings={"key_urls": (second.url,)}, steady=clock, pace=OFTEN)
    for _ in range(30):
        assert status(receiver, foreign_key) == 503
        asked = second.fetches
        wait_until(lambda a=asked: second.fetches >= a + 2, "the silent document was asked")  # type: ignore[misc]
        clock.move(hours=1)
    assert status(receiver, foreign_key) == 503


def test_an_old_key_is_refused_once_its_document_has_been_without_it_for_a_day(
    start: Start, document: KeyServer, key: RSAPrivateKey, foreign_key: RSAPrivateKey, clock: MovableClock
) -> None:
    receiver = start(settings={"key_urls": (document.url,)}, steady=clock, pace=OFTEN)
    wait_until(lambda: is_ready(receiver), "there is a key")
    document.serve_key(public_pem(foreign_key))
    wait_until(lambda: status(receiver, foreign_key) == 200, "the new key is known")
    clock.move(hours=23)
    looked = document.fetches
    wait_until(lambda: document.fetches >= looked + 2, "the document was looked at")
    assert status(receiver, key) == 200
    clock.move(hours=1, seconds=1)
    wait_until(lambda: status_a_minute_later(receiver, key, clock) == 401, "the old key is refused")


def test_a_fetch_that_began_before_a_request_came_in_refuses_nobody(
    watch: Callable[..., RunningReceiver], document: KeyServer, key: RSAPrivateKey, foreign_key: RSAPrivateKey
) -> None:
    receiver = watch(document)
    wait_until(lambda: is_ready(receiver), "there is a key")
    document.gate.clear()
    statuses: list[int] = []
    first = threading.Thread(target=lambda: statuses.append(status(receiver, foreign_key)))
    first.start()
    wait_until(lambda: document.fetches == 2, "the first forged request has the document fetched")
    second_connection = receiver.connect()
    with second_connection:
        head = f"POST /webhook HTTP/1.1\r\nhost: x\r\ndyte-signature: {sign(foreign_key, BODY)}\r\n"
        second_connection.sendall(f"{head}content-length: {len(BODY)}\r\n\r\n".encode() + BODY)
        # An answer to another request, sent later, shows that this one has been read.
        assert status(receiver, key) == 200
        document.gate.set()
        assert second_connection.recv(100).startswith(b"HTTP/1.1 503")
    first.join()
    assert statuses == [401]


def test_the_default_pace() -> None:
    pace = Pace()
    assert (pace.refresh_seconds, pace.last_retry_seconds, pace.round_pause) == (3600, 60, timedelta(minutes=1))
