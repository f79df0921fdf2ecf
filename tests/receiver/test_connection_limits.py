"""What one connection may send and how long it may take: the documented limits, scaled down."""

import socket

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from receiver.connections import Connections, Limits
from receiver.keys.public_key import read_public_keys
from tests.receiver.conftest import Start
from tests.receiver.list_keeper import ListKeeper
from tests.receiver.running import RunningReceiver, public_pem, read_answer, sign, wait_until
from tests.receiver.segments import Segments, statuses_on

BODY = b'{"event":"meeting.started"}'
SHORT = 0.4
MIB = 2**20


@pytest.fixture
def refusals() -> list[str]:
    """The reasons of the refusals that the application did not see."""
    return []


@pytest.fixture
def connections(refusals: list[str]) -> Connections:
    limits = Limits(
        silent_seconds=SHORT,
        head_seconds=SHORT,
        idle_seconds=SHORT,
        linger_seconds=SHORT,
        bodies_bytes=MIB,
        small_body_bytes=65_536,
    )
    return Connections(limits, refusals.append)


@pytest.fixture
def receiver(start: Start, key: RSAPrivateKey, connections: Connections) -> RunningReceiver:
    settings = {"public_keys": read_public_keys(public_pem(key))}
    return start(settings=settings, connections=connections, body_seconds=20)


def request(key: RSAPrivateKey, body: bytes = BODY, more: bytes = b"", path: bytes = b"/webhook") -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"host: test", b"dyte-signature: " + sign(key, body).encode()]
    return b"\r\n".join([*lines, b"content-length: %d" % len(body), more + b"\r\n" + body])


def headers_of(size: int) -> bytes:
    """Return headers of `size` bytes, line ends included."""
    line = b"x: " + b"y" * 995 + b"\r\n"
    full, rest = divmod(size, len(line))
    return line * (full - 1) + b"x: " + b"y" * (995 + rest) + b"\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"POST /webhook HTTP/1.1\r\n" + headers_of(70_000) + b"\r\n",
        b"POST /webhook HTTP/1.1\r\n" + headers_of(70_000),
        b"POST /webhook HTTP/1.1\r\nx: " + b"y" * 200_000,
        b"POST /webhook HTTP/1.1\r\n" + b"x" * 200_000,
        b"POST /webhook HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n" + headers_of(70_000) + b"\r\n",
        b"POST /webhook HTTP/1.1\r\n" + b"a:b\r\n" * 129 + b"\r\n",
        b"POST /webhook HTTP/1.1\r\n" + b"a:b\r\n" * 140,
    ],
)
def test_headers_over_64_kib_or_128_are_answered_with_431(
    receiver: RunningReceiver, refusals: list[str], head: bytes
) -> None:
    answer = receiver.exchange(head)
    assert (answer.status, answer.is_error, answer.headers["connection"]) == (431, True, "close")
    assert refusals == ["headers_too_large"]


def test_a_delivery_with_headers_at_the_limits_is_kept(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    used = len(request(key)) - len(b"POST /webhook HTTP/1.1\r\n") - len(b"\r\n") - len(BODY)
    for more in (headers_of(65_536 - used), b"a:b\r\n" * 125):
        with Segments(receiver) as segments:
            sent = request(key, more=more)
            for split in (0, 4_000, len(sent) // 2, len(sent) - len(BODY)):
                assert segments.exchange(sent[:split], sent[split:]).status == 200
    assert receiver.exchange(request(key, more=headers_of(65_537 - used))).status == 431
    assert receiver.exchange(request(key, more=b"a:b\r\n" * 126)).status == 431


@pytest.mark.parametrize("end", [b" HTTP/1.1\r\n\r\n", b" HTTP/1.1\r\nhost: test\r\n", b""])
def test_a_url_over_8_kib_is_answered_with_414(receiver: RunningReceiver, refusals: list[str], end: bytes) -> None:
    for length in (8_193, 100_000):
        answer = receiver.exchange(b"POST /" + b"x" * (length - 1) + end)
        assert (answer.status, answer.is_error, answer.headers["connection"]) == (414, True, "close")
    assert refusals == ["url_too_long"] * 2


def test_a_delivery_with_a_url_at_the_limit_is_kept(receiver: RunningReceiver, key: RSAPrivateKey) -> None:
    path = b"/webhook?" + b"x" * (8_192 - len(b"/webhook?"))
    assert receiver.exchange(request(key, path=path)).status == 200


def test_a_head_that_trickles_in_is_answered_with_408(receiver: RunningReceiver, refusals: list[str]) -> None:
    with Segments(receiver) as segments, receiver.connect() as connection:
        connection.sendall(b"POST /webhook HTTP/1.1\r\nx: ")
        while not refusals:
            segments.send(connection, b"", b"y")
        answer = read_answer(connection)
    assert (answer.status, answer.is_error, answer.headers["connection"]) == (408, True, "close")


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"\r\n" * 100])
def test_a_connection_that_sends_nothing_is_closed_without_an_answer(receiver: RunningReceiver, sent: bytes) -> None:
    with receiver.connect() as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""


def test_a_connection_is_closed_some_time_after_an_answer(receiver: RunningReceiver, key: RSAPrivateKey) -> None:
    with receiver.connect() as connection:
        connection.sendall(request(key))
        assert read_answer(connection).status == 200
        assert connection.recv(100) == b""


def test_the_second_head_on_a_connection_has_its_deadline_too(receiver: RunningReceiver, key: RSAPrivateKey) -> None:
    with receiver.connect() as connection:
        connection.sendall(request(key) + b"POST /web")
        assert statuses_on(connection, 3) == [200, 408]


def test_an_answer_that_takes_longer_than_the_limits_is_waited_for(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    keeper.gate.clear()
    with receiver.connect() as silent, receiver.connect() as connection:
        connection.sendall(request(key))
        assert silent.recv(100) == b""
        with receiver.connect() as another_silent:
            assert another_silent.recv(100) == b""
        keeper.gate.set()
        assert read_answer(connection).status == 200


@pytest.mark.parametrize("count", [1, 3])
def test_a_sender_that_half_closes_is_answered(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey, count: int
) -> None:
    for is_held in (False, True):
        if is_held:
            keeper.gate.clear()
        with receiver.connect() as connection:
            connection.sendall(request(key) * count)
            connection.shutdown(socket.SHUT_WR)
            receiver.ask("GET", "/healthz")
            receiver.ask("GET", "/healthz")
            keeper.gate.set()
            assert statuses_on(connection, count + 1) == [200] * count
    assert len(keeper.kept) == 2 * count


def test_a_sender_that_half_closes_within_a_body_gets_no_verdict(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    with receiver.connect() as connection:
        connection.sendall(request(key)[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert statuses_on(connection, 1) == []
    keeper.gate.clear()
    with receiver.connect() as connection:
        connection.sendall(request(key) + request(key)[:-1])
        connection.shutdown(socket.SHUT_WR)
        receiver.ask("GET", "/healthz")
        keeper.gate.set()
        assert statuses_on(connection, 3) in ([200], [200, 503])
    assert len(keeper.kept) == 1


@pytest.mark.parametrize("rest", [b"0\r\n" + b"x: y\r\n" * 40_000, b"0\r\nx: " + b"y" * 200_000])
def test_trailers_without_end_take_nothing_from_the_body(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey, rest: bytes
) -> None:
    head = request(key, more=b"transfer-encoding: chunked\r\n")[: -len(BODY)]
    answer = receiver.exchange(head + b"%x\r\n%s\r\n" % (len(BODY), BODY) + rest)
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert keeper.kept[-1].body == BODY


def test_an_extension_of_a_chunk_without_end_is_not_read(receiver: RunningReceiver, key: RSAPrivateKey) -> None:
    head = request(key, more=b"transfer-encoding: chunked\r\n")[: -len(BODY)]
    assert receiver.exchange(head + b"1b;" + b"x" * 200_000).status == 503


def test_requests_wait_unread_while_answers_wait(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    keeper.gate.clear()
    count = 2_000
    with receiver.connect() as connection:
        connection.setblocking(False)  # noqa: FBT003 - its only way
        rest = memoryview(request(key) * count)
        while rest:
            try:
                rest = rest[connection.send(rest) :]
            except BlockingIOError:
                break
        # More than 200 KiB can't be held; the rest waits in the kernel or with the sender.
        receiver.ask("GET", "/healthz")
        connection.settimeout(20)
        keeper.gate.set()
        connection.sendall(rest)
        assert statuses_on(connection, count) == [200] * count
    assert len(keeper.kept) == count


def test_of_too_much_that_is_unfinished_the_largest_body_is_refused(
    receiver: RunningReceiver, connections: Connections, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    body = b"x" * MIB
    with receiver.connect() as large, receiver.connect() as small, receiver.connect() as next_large:
        small.sendall(request(key, b"y" * 60_000)[:-1])
        large.sendall(request(key, body)[:-300_000])
        wait_until(lambda: connections.unfinished_bytes > MIB - 300_000, "the large body has arrived so far")
        next_large.sendall(request(key, body)[:-400_000])
        answer = read_answer(large)
        assert (answer.status, answer.is_error, answer.headers["connection"]) == (503, True, "close")
        small.sendall(b"y")
        assert read_answer(small).status == 200
        next_large.sendall(b"x" * 400_000)
        assert read_answer(next_large).status == 200
    assert len(keeper.kept) == 2


def test_small_bodies_are_never_refused_for_what_all_hold(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    body = b"x" * 65_000
    count = 3 * MIB // len(body)
    senders = [receiver.connect() for _ in range(count)]
    try:
        for sender in senders:
            sender.sendall(request(key, body)[:-1])
        receiver.ask("GET", "/healthz")
        for sender in senders:
            sender.sendall(b"x")
        assert [read_answer(sender).status for sender in senders] == [200] * count
    finally:
        for sender in senders:
            sender.close()


def test_bodies_that_were_given_up_count_no_longer(
    receiver: RunningReceiver, connections: Connections, key: RSAPrivateKey
) -> None:
    body = b"x" * 600_000
    for _ in range(5):
        with receiver.connect() as connection:
            connection.sendall(request(key, body)[:-1])
        wait_until(lambda: not connections.open, "the connection is closed")
        assert receiver.exchange(request(key, body)).status == 200


def test_a_connection_that_waits_makes_room_where_there_are_too_many(start: Start, key: RSAPrivateKey) -> None:
    crowded: list[int] = []
    limits = Limits(connections=10, silent_seconds=60, head_seconds=60)
    connections = Connections(limits, crowded_out=lambda: crowded.append(1))
    receiver = start(settings={"public_keys": read_public_keys(public_pem(key))}, connections=connections)
    silent = [receiver.connect() for _ in range(30)]
    try:
        for connection in silent[::2]:
            connection.sendall(b"POST /")
        for _ in range(20):
            assert receiver.exchange(request(key)).status == 200
    finally:
        for connection in silent:
            connection.close()
    assert len(crowded) >= 20


def test_a_body_in_more_chunks_than_anybody_sends_is_not_judged(receiver: RunningReceiver, key: RSAPrivateKey) -> None:
    head = request(key, more=b"transfer-encoding: chunked\r\n")[: -len(BODY)]
    for count in (10_000, 10_001, 100_000):
        assert receiver.exchange(head + b"1\r\nx\r\n" * count + b"0\r\n\r\n").status == 503
    assert receiver.exchange(head + b"1\r\nx\r\n" * 9_999 + b"0\r\n\r\n").status == 401
