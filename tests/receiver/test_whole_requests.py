"""A delivery is read as it was sent, however its sender or a gateway frames it and wherever its segments end.

RealtimeKit never resends what got a 4xx: each of these would be an event lost.
"""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.receiver.list_keeper import ListKeeper
from tests.receiver.running import RunningReceiver, sign
from tests.receiver.segments import Segments, statuses_on

BODY = b'{"event":"meeting.started"}'
LENGTH = b"content-length: %d\r\n" % len(BODY)
CHUNKS = b"%x\r\n%s\r\n%x\r\n%s\r\n" % (5, BODY[:5], len(BODY) - 5, BODY[5:])
CHUNKED = b"transfer-encoding: chunked\r\n"
IN_CHUNKS = CHUNKED + b"\r\n" + CHUNKS
H2C = b"connection: Upgrade, HTTP2-Settings\r\nhttp2-settings: AAEAAEAAAAIAAAAB\r\nupgrade: h2c\r\n"
WEBSOCKET = b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"

# What follows the signature in the head; `{}` is the signature.
WHOLE = {
    "a length": LENGTH + b"\r\n" + BODY,
    "chunks": IN_CHUNKS + b"0\r\n\r\n",
    "h2c offered, a length": H2C + LENGTH + b"\r\n" + BODY,
    "h2c offered, chunks": H2C + IN_CHUNKS + b"0\r\n\r\n",
    "h2c offered after the length": LENGTH + H2C + b"\r\n" + BODY,
    "websocket offered, a length": WEBSOCKET + LENGTH + b"\r\n" + BODY,
    "websocket offered, chunks": WEBSOCKET + IN_CHUNKS + b"0\r\n\r\n",
    "an offer in capitals": b"CONNECTION: UPGRADE\r\nUPGRADE: H2C\r\n" + LENGTH + b"\r\n" + BODY,
    "two offers": b"connection: upgrade\r\nupgrade: h2c, foo/2\r\nupgrade: websocket\r\n" + LENGTH + b"\r\n" + BODY,
    "an offer to a proxy": b"proxy-connection: upgrade\r\nupgrade: h2c\r\n" + LENGTH + b"\r\n" + BODY,
    "an offer and a question": H2C + b"expect: 100-continue\r\n" + LENGTH + b"\r\n" + BODY,
    "an offer and a close": b"connection: close, upgrade\r\nupgrade: h2c\r\n" + LENGTH + b"\r\n" + BODY,
    "a question": b"Expect: 100-Continue\r\n" + LENGTH + b"\r\n" + BODY,
    "chunks named in capitals": b"Transfer-Encoding:\t Chunked \r\n\r\n" + CHUNKS + b"0\r\n\r\n",
    "chunks with extensions": CHUNKED + b'\r\n1b;a=b;c="d"\r\n' + BODY + b"\r\n0;last\r\n\r\n",
    "chunks with padded sizes": CHUNKED + b"\r\n1B  \r\n" + BODY + b"\r\n0 \r\n\r\n",
    "chunks with leading zeros": CHUNKED + b"\r\n0000000000000000001b\r\n" + BODY + b"\r\n000\r\n\r\n",
    "chunks and a length": LENGTH + IN_CHUNKS + b"0\r\n\r\n",
    "chunks and a wrong length": b"content-length: 3\r\n" + IN_CHUNKS + b"0\r\n\r\n",
    "chunks and a far too large length": b"content-length: 99999999\r\n" + IN_CHUNKS + b"0\r\n\r\n",
    "a length with blanks and zeros": b"content-length:   00027 \r\n\r\n" + BODY,
    "a trailer": IN_CHUNKS + b"0\r\nx-checksum: abc\r\n\r\n",
    "a trailer with another signature": IN_CHUNKS + b"0\r\ndyte-signature: AAAA\r\nrtk-signature: BBBB\r\n\r\n",
    "a trailer with the signature": IN_CHUNKS + b"0\r\ndyte-signature: {}\r\n\r\n",
    "a trailer with ids": IN_CHUNKS + b"0\r\ndyte-uuid: t\r\ndyte-webhook-id: t\r\n\r\n",
    "a trailer with a length": IN_CHUNKS + b"0\r\ncontent-length: 5\r\n\r\n",
    "a trailer with two lengths": IN_CHUNKS + b"0\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
    "a trailer with a coding": IN_CHUNKS + b"0\r\ntransfer-encoding: gzip\r\n\r\n",
    "a trailer with an offer": IN_CHUNKS + b"0\r\n" + H2C + b"\r\n",
    "a trailer with a question": IN_CHUNKS + b"0\r\nexpect: 100-continue\r\n\r\n",
    "a trailer with a close": IN_CHUNKS + b"0\r\nconnection: close\r\n\r\n",
    "a trailer that is no header": IN_CHUNKS + b"0\r\n\x00\xff nonsense\r\n\r\n",
}
STARTS = {
    "HTTP/1.1": b"POST /webhook HTTP/1.1\r\nhost: test\r\n",
    "HTTP/1.0": b"POST /webhook HTTP/1.0\r\n",
    "a whole URL": b"POST http://test/webhook?a=b HTTP/1.1\r\nhost: test\r\n",
    "empty lines before": b"\r\n\r\nPOST /webhook HTTP/1.1\r\nhost: test\r\n",
    "capitals escaped": b"POST /%77ebhook HTTP/1.1\r\nhost: test\r\n",
}


@pytest.fixture
def segments(receiver: RunningReceiver) -> Iterator[Segments]:
    with Segments(receiver) as running:
        yield running


def request(key: RSAPrivateKey, rest: bytes, start: bytes = STARTS["HTTP/1.1"]) -> bytes:
    signature = sign(key, BODY).encode()
    head = start + b"dyte-uuid: u\r\ndyte-signature: " + signature + b"\r\n"
    return head + rest.replace(b"{}", signature)


@pytest.mark.parametrize("rest", WHOLE.values(), ids=WHOLE.keys())
def test_a_delivery_is_kept_however_it_is_framed(
    segments: Segments, keeper: ListKeeper, key: RSAPrivateKey, rest: bytes
) -> None:
    sent = request(key, rest)
    begin = len(sent) - len(rest)
    for split in (0, begin // 2, *range(begin, len(sent), len(rest) // 12)):
        answer = segments.exchange(sent[:split], sent[split:])
        assert (split, answer.status) == (split, 200)
        delivery = keeper.kept[-1]
        assert (delivery.body, delivery.delivery_uuid, delivery.webhook_id) == (BODY, "u", None)


@pytest.mark.parametrize("begin", STARTS.values(), ids=STARTS.keys())
@pytest.mark.parametrize("framing", ["a length", "h2c offered, chunks"])
def test_a_delivery_is_kept_however_its_head_begins(
    segments: Segments, keeper: ListKeeper, key: RSAPrivateKey, begin: bytes, framing: str
) -> None:
    sent = request(key, WHOLE[framing], begin)
    for split in range(1, len(begin), 5):
        assert segments.exchange(sent[:split], sent[split:]).status == 200
        assert keeper.kept[-1].body == BODY


@pytest.mark.parametrize("framing", ["h2c offered, a length", "h2c offered, chunks", "a trailer with an offer"])
def test_a_delivery_is_kept_byte_by_byte(
    segments: Segments, keeper: ListKeeper, key: RSAPrivateKey, framing: str
) -> None:
    sent = request(key, WHOLE[framing])
    assert segments.exchange(*(sent[at : at + 1] for at in range(len(sent)))).status == 200
    assert keeper.kept[-1].body == BODY


@pytest.mark.parametrize("rest", WHOLE.values(), ids=WHOLE.keys())
def test_what_follows_on_the_same_connection_is_kept_too_or_sent_again(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey, rest: bytes
) -> None:
    one = request(key, rest)
    with receiver.connect() as connection:
        connection.sendall(one + request(key, WHOLE["h2c offered, a length"]) + one)
        statuses = statuses_on(connection, 3)
    assert statuses == [200] * len(statuses) != []
    assert [delivery.body for delivery in keeper.kept] == [BODY] * len(statuses)


def test_hundreds_of_offers_in_one_segment_are_all_read(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    count = 300
    with receiver.connect() as connection:
        connection.sendall(request(key, WHOLE["h2c offered, a length"]) * count)
        assert statuses_on(connection, count) == [200] * count
    assert len(keeper.kept) == count


def test_a_signature_that_stands_only_in_a_trailer_counts_for_nothing(
    segments: Segments, keeper: ListKeeper, key: RSAPrivateKey, foreign_key: RSAPrivateKey
) -> None:
    head = STARTS["HTTP/1.1"]
    good = sign(key, BODY).encode()
    trailer = IN_CHUNKS + b"0\r\ndyte-signature: " + good + b"\r\nrtk-signature: " + good + b"\r\n\r\n"
    for unsigned in (
        head + trailer,
        head + H2C + trailer,
        head + b"dyte-signature: " + sign(foreign_key, BODY).encode() + b"\r\n" + trailer,
    ):
        for split in range(len(unsigned) - 2 * len(good) - 100, len(unsigned), 141):
            assert segments.exchange(unsigned[:split], unsigned[split:]).status == 401
    assert not keeper.kept


@pytest.mark.parametrize(
    "rest",
    [
        b"transfer-encoding: gzip, chunked\r\n\r\n" + CHUNKS + b"0\r\n\r\n",
        b"transfer-encoding: gzip\r\n" + IN_CHUNKS + b"0\r\n\r\n",
        H2C + b"transfer-encoding: deflate, chunked\r\n\r\n" + CHUNKS + b"0\r\n\r\n",
        b"transfer-encoding: identity\r\n" + LENGTH + b"\r\n" + BODY,
        b"transfer-encoding: gzip\r\n\r\n" + BODY,
    ],
)
def test_a_body_that_is_coded_for_the_way_is_not_judged(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey, rest: bytes
) -> None:
    answer = receiver.exchange(request(key, rest))
    assert (answer.status, answer.is_error) == (501, True)
    assert not keeper.kept


@pytest.mark.parametrize(
    "rest",
    [
        CHUNKED + b"\r\n5\r\n" + BODY[:5] + b"nonsense\r\n",
        CHUNKED + b"\r\n" + CHUNKS + b"nonsense\r\n",
        CHUNKED + b"\r\nnonsense\r\n",
        H2C + CHUNKED + b"\r\n" + CHUNKS + b"-1\r\n",
    ],
)
def test_a_body_that_is_framed_against_the_rules_is_not_judged(
    segments: Segments, keeper: ListKeeper, key: RSAPrivateKey, rest: bytes
) -> None:
    sent = request(key, rest)
    for split in range(len(sent) - len(rest), len(sent), 7):
        answer = segments.exchange(sent[:split], sent[split:])
        assert (answer.status, answer.is_error, answer.headers["connection"]) == (503, True, "close")
    assert not keeper.kept


def test_a_body_that_comes_in_chunks_of_a_byte_is_kept(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY)
    assert receiver.exchange(request(key, CHUNKED + b"\r\n" + chunks + b"0\r\n\r\n")).status == 200
    assert receiver.exchange(request(key, CHUNKED + b"\r\n" + b"1\r\nx\r\n" * 900 + b"0\r\n\r\n")).status == 401
    assert len(keeper.kept) == 1


@pytest.mark.parametrize(
    "nonsense",
    [
        b"nonsense\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\n\x00: x\r\n\r\n",
        b"POST / HTTP/9.1\r\n\r\n",
        b"post /webhook HTTP/1.1\r\n\r\n",
        b"CONNECT test:80 HTTP/1.1\r\n\r\n",
        b"CONNECT /webhook HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_in_its_turn_and_takes_no_answer_from_a_delivery(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey, nonsense: bytes
) -> None:
    answer = receiver.exchange(nonsense)
    assert (answer.status, answer.is_error, answer.headers["connection"]) == (400, True, "close")
    keeper.gate.clear()
    with receiver.connect() as connection:
        connection.sendall(request(key, WHOLE["a length"]) + nonsense)
        receiver.ask("GET", "/healthz")  # by then the nonsense has been read, and the delivery still waits
        keeper.gate.set()
        assert statuses_on(connection, 2) == [200, 400]
    assert len(keeper.kept) == 1
