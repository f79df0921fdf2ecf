"""Every documented answer, over a real socket."""

import base64
import socket
import struct
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.receiver.conftest import Start
from tests.receiver.list_keeper import ListKeeper
from tests.receiver.running import RunningReceiver, read_answer, sign, wait_until
from workers.queue.delivery import Provider

BODY = b'{"event":"meeting.started"}'
LIMIT = 1000
HEAD = b"POST /webhook HTTP/1.1\r\nhost: test\r\n"


def signed_head(key: RSAPrivateKey, body: bytes) -> bytes:
    return HEAD + b"dyte-signature: " + sign(key, body).encode() + b"\r\n"


@pytest.mark.parametrize(
    ("header", "provider"), [("dyte_signature", Provider.DYTE), ("RTK_SIGNATURE", Provider.REALTIMEKIT)]
)
def test_a_signed_delivery_is_kept_as_it_came_and_answered_with_200(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey, header: str, provider: Provider
) -> None:
    answer = receiver.post(BODY, **{header: sign(key, BODY), "dyte_uuid": "u-1", "RTK_Webhook_Id": "w-1"})
    assert (answer.status, answer.content) == (200, b'{"status":"accepted"}')
    assert answer.headers["content-type"] == "application/json"
    assert "server" not in answer.headers
    [delivery] = keeper.kept
    assert (delivery.body, delivery.provider) == (BODY, provider)
    assert (delivery.delivery_uuid, delivery.webhook_id) == ("u-1", "w-1")
    assert delivery.id.version == 7
    milliseconds = delivery.id.int >> 80
    assert milliseconds == int(delivery.received_at.timestamp() * 1000)


@pytest.mark.parametrize("body", [b"", b"no json", b'{"event":"unheard.of"}', bytes(range(256)), b"\xff" * LIMIT])
def test_whatever_is_signed_is_kept(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey, body: bytes
) -> None:
    assert receiver.post(body, dyte_signature=sign(key, body)).status == 200
    assert receiver.post(body, dyte_signature=sign(key, body)).status == 200
    assert [delivery.body for delivery in keeper.kept] == [body, body]


def test_a_chunked_body_without_content_length_is_kept(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    head = signed_head(key, BODY) + b"transfer-encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:5], BODY[5:])]
    assert receiver.exchange(head, *chunks, b"0\r\n\r\n").status == 200
    assert keeper.kept[0].body == BODY


def test_ids_are_cut_and_never_refused(receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey) -> None:
    body_head = b"content-length: %d\r\n\r\n" % len(BODY)
    head = signed_head(key, BODY) + b"dyte-uuid: " + b"\xe9" * 5000 + b"\r\ndyte-webhook-id:\r\n" + body_head
    assert receiver.exchange(head, BODY).status == 200
    assert (keeper.kept[0].delivery_uuid, keeper.kept[0].webhook_id) == ("é" * 200, None)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"])
def test_another_method_is_answered_with_405(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey, method: str
) -> None:
    answer = receiver.ask(method, "/webhook", BODY, {"dyte-signature": sign(key, BODY)})
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert method == "HEAD" or answer.is_error
    assert not keeper.kept


def test_another_path_is_answered_with_404_and_no_redirect(receiver: RunningReceiver) -> None:
    for path in ("/", "/webhook/", "/webhooks"):
        answer = receiver.ask("POST", path, BODY)
        assert (answer.status, answer.is_error) == (404, True)


def test_a_body_at_the_limit_is_kept_and_one_byte_more_is_answered_with_413(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    assert receiver.post(b"x" * LIMIT, dyte_signature=sign(key, b"x" * LIMIT)).status == 200
    answer = receiver.post(b"x" * (LIMIT + 1), dyte_signature=sign(key, b"x" * (LIMIT + 1)))
    assert (answer.status, answer.is_error) == (413, True)
    assert len(keeper.kept) == 1


def test_one_byte_over_the_limit_without_content_length_is_answered_with_413(
    receiver: RunningReceiver, key: RSAPrivateKey
) -> None:
    head = signed_head(key, BODY) + b"transfer-encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (LIMIT, b"x" * LIMIT)
    # There is no end of the body: it is cut off while it is read.
    answer = receiver.exchange(head, chunk, b"1\r\nx\r\n")
    assert (answer.status, answer.is_error) == (413, True)


def test_a_content_length_that_says_too_much_is_answered_before_any_body_arrives(
    receiver: RunningReceiver, key: RSAPrivateKey
) -> None:
    answer = receiver.exchange(signed_head(key, BODY) + b"content-length: %d\r\n\r\n" % (LIMIT + 1))
    assert (answer.status, answer.headers["connection"]) == (413, "close")


def test_a_sender_of_far_too_much_reads_its_refusal_and_no_reset(receiver: RunningReceiver, key: RSAPrivateKey) -> None:
    body = b"x" * 5_000_000
    for signature, status in ((sign(key, BODY), 413), ("x", 401)):
        answer = receiver.post(body, dyte_signature=signature)
        assert (answer.status, answer.is_error) == (status, True)


@pytest.mark.parametrize(
    ("method", "headers", "length", "status"),
    [
        (b"PUT", b"", LIMIT + 1, 405),
        (b"POST", b"", LIMIT + 1, 401),
        (b"POST", b"dyte-signature: x\r\n", LIMIT + 1, 401),
        (b"POST", b"dyte-signature: " + b"A" * 342 + b"==" + b"\r\n", LIMIT + 1, 413),
        (b"POST", b"dyte-signature: " + b"A" * 342 + b"==" + b"\r\n", LIMIT, 408),
    ],
)
def test_method_comes_before_the_form_of_the_signature_and_that_before_the_body(
    receiver: RunningReceiver, method: bytes, headers: bytes, length: int, status: int
) -> None:
    head = method + b" /webhook HTTP/1.1\r\nhost: test\r\n" + headers + b"content-length: %d\r\n\r\n" % length
    answer = receiver.exchange(head)
    assert (answer.status, answer.headers["connection"]) == (status, "close")


def test_size_comes_before_the_key_that_signed(receiver: RunningReceiver, foreign_key: RSAPrivateKey) -> None:
    body = b"x" * (LIMIT + 1)
    assert receiver.post(body, dyte_signature=sign(foreign_key, body)).status == 413


def test_a_body_that_trickles_in_is_answered_with_408(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    with receiver.connect() as connection:
        connection.sendall(signed_head(key, BODY) + b"content-length: 900\r\n\r\n")
        is_answered = threading.Event()

        def trickle() -> None:
            while not is_answered.wait(0.02):
                try:
                    connection.send(b"x")
                except OSError:
                    return

        trickling = threading.Thread(target=trickle)
        trickling.start()
        answer = read_answer(connection)
        is_answered.set()
        trickling.join()
    assert (answer.status, answer.is_error, answer.headers["connection"]) == (408, True, "close")
    assert not keeper.kept


def test_a_client_that_goes_away_in_the_middle_is_nobodys_error(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey, caplog: pytest.LogCaptureFixture
) -> None:
    for reset in (False, True):
        with receiver.connect() as connection:
            connection.sendall(signed_head(key, BODY) + b"content-length: 900\r\n\r\n" + BODY)
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert receiver.post(BODY, dyte_signature=sign(key, BODY)).status == 200
    assert len(keeper.kept) == 1
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}]


def test_no_malformed_foreign_truncated_or_swapped_signature_is_accepted(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey, foreign_key: RSAPrivateKey
) -> None:
    good = sign(key, BODY)
    unfit: dict[str, dict[str, str]] = {
        "no signature": {},
        "malformed": {"dyte_signature": "not base64!"},
        "foreign": {"dyte_signature": sign(foreign_key, BODY)},
        "of another body": {"dyte_signature": sign(key, BODY + b" ")},
        "truncated": {"dyte_signature": base64.b64encode(base64.b64decode(good)[:-1]).decode()},
        "cut off": {"dyte_signature": good[:-4]},
        "good and foreign": {"dyte_signature": good, "rtk_signature": sign(foreign_key, BODY)},
        "foreign and good": {"dyte_signature": sign(foreign_key, BODY), "rtk_signature": good},
        "two halves": {"dyte_signature": good[:172], "rtk_signature": good[172:]},
        "two in one": {"dyte_signature": f"{good}, {good}"},
        "in the wrong header": {"dyte_uuid": good},
    }
    for name, headers in unfit.items():
        answer = receiver.post(BODY, **headers)
        assert (answer.status, answer.is_error) == (401, True), name
    assert not keeper.kept


def test_the_same_signature_under_both_names_is_one_signature(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    assert receiver.post(BODY, dyte_signature=sign(key, BODY), rtk_signature=sign(key, BODY)).status == 200
    assert keeper.kept[0].provider is Provider.REALTIMEKIT


def test_what_neither_queue_nor_spool_takes_is_answered_with_503(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    for refuses in (None, RuntimeError("a fault of ours")):
        keeper.queue_takes = keeper.spool_takes = False
        keeper.refuses = refuses
        answer = receiver.post(BODY, dyte_signature=sign(key, BODY))
        assert (answer.status, answer.is_error) == (503, True)
        assert int(answer.headers["retry-after"]) > 0


def test_one_connection_carries_many_deliveries(
    receiver: RunningReceiver, keeper: ListKeeper, key: RSAPrivateKey
) -> None:
    request = signed_head(key, BODY) + b"content-length: %d\r\n\r\n" % len(BODY) + BODY
    with receiver.connect() as connection:
        for _ in range(3):
            connection.sendall(request)
            assert read_answer(connection).status == 200
    assert len(keeper.kept) == 3


def test_a_body_is_asked_for_when_the_client_waits_for_that(receiver: RunningReceiver, key: RSAPrivateKey) -> None:
    with receiver.connect() as connection:
        head = signed_head(key, BODY) + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(BODY)
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(BODY)
        assert read_answer(connection).status == 200


def test_healthz_answers_and_readyz_tells_what_works(receiver: RunningReceiver, keeper: ListKeeper) -> None:
    assert receiver.ask("GET", "/healthz").status == 200
    answer = receiver.ask("GET", "/readyz")
    assert (answer.status, answer.json["status"]) == (200, "ready")
    assert {name: check["ok"] for name, check in answer.json["checks"].items()} == {
        "keys": True,
        "queue": True,
        "spool": True,
    }
    keeper.queue_takes = False
    wait_until(lambda: not receiver.ask("GET", "/readyz").json["checks"]["queue"]["ok"], "the queue's check fails")
    assert receiver.ask("GET", "/readyz").status == 200
    keeper.spool_takes = False
    wait_until(lambda: receiver.ask("GET", "/readyz").status == 503, "not ready without queue and spool")


def test_a_receiver_without_any_key_is_alive_not_ready_and_answers_503(start: Start, key: RSAPrivateKey) -> None:
    receiver = start()
    assert receiver.ask("GET", "/healthz").status == 200
    answer = receiver.ask("GET", "/readyz")
    assert (answer.status, answer.json["checks"]["keys"]["ok"]) == (503, False)
    answer = receiver.post(BODY, dyte_signature=sign(key, BODY))
    assert (answer.status, answer.is_error) == (503, True)
