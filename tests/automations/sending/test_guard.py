"""Where messages may go: 40 hostile addresses in every disguise, none of which is reached."""

import asyncio
import re
import ssl
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path

import httpcore2
import pytest

from automations.sending.client import EndpointClient
from automations.sending.guard import Guard, RefusedError
from automations.sending.judgement import Answer
from automations.sending.network import GuardedBackend
from automations.sending.way import Way
from runtime.outgoing.certificates import Certificates
from tests.authority import Authority
from tests.automations.sending.receiving import Receiving, receiving
from tests.forward_proxy import ForwardProxy

V4 = [
    "0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
    "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1",
    "192.0.0.192", "192.0.2.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
V6 = [
    "::", "::1", "64:ff9b:1::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254",
    "fd12:3456::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff05::1:3", "4000::1",
]  # fmt: skip
HOSTILE = [*V4, *V6]
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]


def disguises(text: str) -> list[str]:
    """IPv6 addresses whose packets end at an IPv4 address."""
    number = int(IPv4Address(text))
    high, low = number >> 16, number & 0xFFFF
    return [
        f"::ffff:{text}",
        f"::{high:x}:{low:x}",
        f"::ffff:0:{high:x}:{low:x}",
        f"64:ff9b::{high:x}:{low:x}",
        f"2002:{high:x}:{low:x}::1",
        f"2001:0:{high:x}:{low:x}::1",
        f"2001:0:808:808:0:0:{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}",
        f"2606:4700::5efe:{high:x}:{low:x}",
    ]


class Recording(httpcore2.AnyIOBackend):
    """Opens no connection, but says where one was wanted."""

    def __init__(self) -> None:
        self.wanted: list[str] = []

    async def connect_tcp(self, host: str, *_: object, **__: object) -> httpcore2.AsyncNetworkStream:
        self.wanted.append(host)
        raise httpcore2.ConnectError("wanted")


def attempt(url: str, way: Way) -> Answer:
    async def post() -> Answer:
        client = EndpointClient(way, url, 1, 5.0)
        try:
            return await client.post({"webhook-id": "msg_1"}, b"{}")
        finally:
            await client.close()

    return asyncio.run(post())


def connect(host: str, addresses: Sequence[str], guard: Guard, scheme: str = "https") -> list[str]:
    """Return where a connection to `host` was wanted; raises a RefusedError if it was refused."""

    async def resolve(_: str) -> Sequence[str]:
        return addresses

    backend = GuardedBackend(guard, scheme, resolve)
    backend._inner = recording = Recording()  # noqa: SLF001 - so that nothing leaves this machine
    with suppress(httpcore2.ConnectError):
        asyncio.run(backend.connect_tcp(host, 443, 5.0))
    return recording.wanted


def test_there_are_40_hostile_addresses() -> None:
    assert len(HOSTILE) == len(set(HOSTILE)) == 40


@pytest.mark.parametrize("address", HOSTILE)
def test_a_hostile_address_is_reached_by_no_way(address: str) -> None:
    guard = Guard()
    ways = [address, *(disguises(address) if address in V4 else [])]
    for one in ways:
        with pytest.raises(RefusedError):
            connect(one, [], guard)
        with pytest.raises(RefusedError):
            connect("name.example", [one], guard)
        # Among public ones too, wherever it stands.
        with pytest.raises(RefusedError):
            connect("name.example", ["8.8.8.8", one], guard)


@pytest.mark.parametrize("address", HOSTILE)
def test_a_name_that_changes_between_look_and_connect_gains_nothing(address: str) -> None:
    turns = [["8.8.8.8"], [address]]
    looked: list[str] = []

    async def resolve(name: str) -> Sequence[str]:
        looked.append(name)
        return turns.pop(0)

    backend = GuardedBackend(Guard(), "https", resolve)
    backend._inner = recording = Recording()  # noqa: SLF001 - as above
    with pytest.raises(httpcore2.ConnectError):
        asyncio.run(backend.connect_tcp("name.example", 443, 5.0))
    # By the number that was judged, not by the name again.
    assert recording.wanted == ["8.8.8.8"]
    assert looked == ["name.example"]
    with pytest.raises(RefusedError):
        asyncio.run(backend.connect_tcp("name.example", 443, 5.0))
    assert recording.wanted == ["8.8.8.8"]


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "localhost."])
def test_other_ways_to_write_this_machine_are_refused_by_what_they_resolve_to(host: str, server: Receiving) -> None:
    answer = attempt(f"https://{host}:{server.port}/a", Way(Guard()))
    assert answer.status is None
    assert re.search("AUTOMATIONS_ALLOW|can't be resolved|can't be read", answer.error or "")
    assert server.requests == []


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached_over_https_only(address: str) -> None:
    assert connect(address, [], Guard()) == [address]
    assert connect("name.example", [address, "1.1.1.1"], Guard()) == [address, "1.1.1.1"]
    with pytest.raises(RefusedError, match="https only"):
        connect(address, [], Guard(), "http")


def test_what_is_allowed_is_reached_over_http_too_and_nothing_else() -> None:
    guard = Guard([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])
    for address in ("10.1.2.3", "fd00::1", "::ffff:10.1.2.3"):
        assert connect(address, [], guard, "http") == [address]
        assert connect("n8n.example", [address], guard) == [address]
    for address in ("11.0.0.1", "127.0.0.1", "192.168.0.1", "fe80::1", "64:ff9b::a01:203"):
        with pytest.raises(RefusedError):
            connect(address, [], guard, "http")


@pytest.mark.parametrize(
    "url", ["https://user:secret@example.com/a", "https://user@example.com/a", "ftp://example.com/a"]
)
def test_a_url_with_a_password_or_of_another_scheme_is_refused(url: str) -> None:
    answer = attempt(url, Way(Guard(loopback=True)))
    assert answer.status is None
    assert "secret" not in (answer.error or "")


def test_no_proxy_of_the_environment_counts(server: Receiving, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert attempt(f"{server.url}/a", Way(Guard(loopback=True))).status == 200


def test_the_proxy_of_automations_proxy_is_used(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with (
        receiving(authority.server_context("localhost", "127.0.0.1")) as there,
        ForwardProxy(there.port) as proxy,
    ):
        way = Way(Guard(), f"http://127.0.0.1:{proxy.port}", Certificates(str(authority.file)))
        assert attempt(f"https://localhost:{there.port}/a", way).status == 200
        assert len(there.of("/a")) == 1
        assert proxy.asked == [f"localhost:{there.port}"]
        # A number is judged all the same.
        assert "not a public address" in (attempt(f"https://127.0.0.1:{there.port}/a", way).error or "")
        assert len(there.of("/a")) == 1


def test_a_certificate_is_verified_and_ssl_cert_file_adds_an_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server_context("localhost", "127.0.0.1")
    with receiving(context) as there:
        unknown = attempt(f"{there.url}/a", Way(Guard(loopback=True)))
        known = attempt(f"{there.url}/a", Way(Guard(loopback=True), None, Certificates(str(authority.file))))
        wrong = attempt(f"{there.url}/a", Way(Guard(loopback=True), None, Certificates(str(tmp_path / "none.pem"))))
    assert (unknown.error or "").startswith("TLS: the certificate can't be verified")
    assert known.status == 200
    assert (wrong.error or "").startswith("SSL_CERT_FILE names a file")
    way = Way(Guard(loopback=True), None, Certificates(str(authority.file)))
    there_are = way._tls().get_ca_certs()  # noqa: SLF001 - what TLS trusts is seen nowhere else
    assert len(there_are) >= len(ssl.create_default_context().get_ca_certs())


def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with receiving(authority.server_context("other.example")) as there:
        answer = attempt(f"{there.url}/a", Way(Guard(loopback=True), None, Certificates(str(authority.file))))
    assert (answer.error or "").startswith("TLS: the certificate can't be verified")


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    assert connect("name.example", PUBLIC, Guard()) == PUBLIC[:4]
    assert ip_address(PUBLIC[0]).is_global
