"""Attacks on a receiver process: meanwhile good deliveries come in, none is refused, and it stays within its bounds."""

import base64
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.attack.attackers import connections, is_closed, push, push_on_all, repeated
from tests.attack.conftest import SLOWEST, Target, Vendor, delivering, running
from tests.receiver.running import RunningReceiver, wait_until

MIB = 2**20
START = b"POST /webhook HTTP/1.1\r\nhost: x\r\n"
FORGED = b"rtk-signature: " + base64.b64encode(b"\1" * 256) + b"\r\n"
IN_CHUNKS = START + FORGED + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"

WITHOUT_END = {
    "a header of 150 MB": repeated(START + b"x: ", b"y" * MIB, 150),
    "headers without end": repeated(START, b"x: y\r\n" * 10_000, 1_000),
    "a header's name without end": repeated(START, b"x" * MIB, 100),
    "a URL without end": repeated(b"POST /", b"x" * MIB, 100),
    "a method without end": repeated(b"P", b"P" * MIB, 100),
    "empty lines without end": repeated(b"", b"\r\n" * 100_000, 100),
    "trailers without end": repeated(IN_CHUNKS + b"0\r\n", b"x: y\r\n" * 10_000, 1_000),
    "a trailer of 100 MB": repeated(IN_CHUNKS + b"0\r\nx: ", b"y" * MIB, 100),
    "an extension of a chunk without end": repeated(IN_CHUNKS + b"5;", b"x" * MIB, 100),
    "chunks of a byte without end": repeated(IN_CHUNKS, b"1\r\nx\r\n" * 10_000, 1_000),
    "a body without end": repeated(START + FORGED + b"content-length: 999999999\r\n\r\n", b"x" * MIB, 100),
    "a body without end or signature": repeated(START + b"content-length: 999999999\r\n\r\n", b"x" * MIB, 100),
    "noise": repeated(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", bytes(range(256)) * 1_000, 100),
    "requests without end": repeated(b"", b"GET /healthz HTTP/1.1\r\n\r\n" * 1_000, 20),
    "offers without end": repeated(b"", b"GET / HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n" * 1_000, 20),
}


@pytest.mark.parametrize("parts", WITHOUT_END.values(), ids=WITHOUT_END.keys())
def test_what_is_sent_without_end(target: Target, vendor: Vendor, parts: Callable[[], Iterator[bytes]]) -> None:
    with connections(target.receiver, 4) as senders, ThreadPoolExecutor(4) as pool:
        pushing = [pool.submit(push, sender, parts()) for sender in senders]
        vendor.wait()
        for sender in senders:
            with suppress(OSError):  # the receiver has closed it
                sender.shutdown(socket.SHUT_RDWR)
        for one in pushing:
            one.result()


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /webhook HTTP/1.1\r\nx: ", START + FORGED + b"content-length: 1000000\r\n\r\n" + b"x" * 60_000],
    ids=["nothing", "a part of a head", "a part of a body"],
)
def test_hundreds_of_connections_that_go_on_with_nothing(target: Target, vendor: Vendor, sent: bytes) -> None:
    with connections(target.receiver, 500) as senders:
        for sender in senders:
            sender.sendall(sent)
        vendor.wait()
        assert all(is_closed(sender) for sender in senders)


def test_a_thousand_bodies_without_a_signature_that_stall(target: Target, vendor: Vendor) -> None:
    with connections(target.receiver, 1_000) as senders:
        for sender in senders:
            sender.sendall(START + b"content-length: %d\r\n\r\n" % MIB)
        push_on_all(senders, b"x" * 65_536, MIB - 1)
        vendor.wait()


def test_hundreds_of_bodies_with_a_forged_signature_that_stall(target: Target, vendor: Vendor) -> None:
    with connections(target.receiver, 300) as senders:
        for sender in senders:
            sender.sendall(START + FORGED + b"content-length: %d\r\n\r\n" % MIB)
        push_on_all(senders, b"x" * 65_536, MIB - 1)
        vendor.wait()
    assert 'rollcall_refused_total{reason="bodies_too_large"} 0.0' not in target.figures()


@pytest.mark.parametrize("path", [b"/healthz", b"/webhook", b"/nowhere"])
def test_requests_whose_answers_nobody_reads(target: Target, vendor: Vendor, path: bytes) -> None:
    with connections(target.receiver, 20) as senders:
        push_on_all(senders, b"POST " + path + b" HTTP/1.1\r\ncontent-length: 0\r\n\r\n", MIB // 8)
        vendor.wait()


def test_a_flood_of_forged_deliveries(target: Target, vendor: Vendor) -> None:
    request = START + FORGED + b"connection: close\r\ncontent-length: 2\r\n\r\n{}"

    def forge(receiver: RunningReceiver) -> int:
        return receiver.exchange(request).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(forge, [target.receiver] * 2_000)) == {401}


def test_a_flood_of_connections_that_are_reset(target: Target, vendor: Vendor) -> None:
    for _ in range(2_000):
        with target.receiver.connect() as connection:
            connection.sendall(START + FORGED + b"content-length: 100000\r\n\r\nx")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    vendor.wait()


def test_more_silent_connections_than_there_are_descriptors(tmp_path: Path, key: RSAPrivateKey, calm: Target) -> None:
    with running(tmp_path, key, descriptors=100) as target, delivering(target, calm) as vendor:
        with connections(target.receiver, 400):
            vendor.wait()
        assert "rollcall_connections_crowded_out_total 0.0" not in target.figures()
        assert "descriptors_exhausted" in target.log()


def test_idle_connections_to_the_port_of_the_figures(target: Target, vendor: Vendor) -> None:
    with connections(RunningReceiver(target.metrics_port), 1_500):
        vendor.wait()
        assert "rollcall_accepted_total" in target.figures()


def test_a_receiver_that_stands_still_for_longer_than_it_may_is_found_out(target: Target, calm: Target) -> None:
    with pytest.raises(AssertionError, match="slowest"), delivering(target, calm) as vendor:
        stand_still(target, vendor)


def stand_still(target: Target, vendor: Vendor) -> None:
    target.process.send_signal(signal.SIGSTOP)
    try:
        # So much longer than the bound, as on a busy machine the calm receiver may be slow too.
        wait_until(lambda: time.monotonic() - vendor.asked_at > 8 * SLOWEST, "a delivery waits")
    finally:
        target.process.send_signal(signal.SIGCONT)
