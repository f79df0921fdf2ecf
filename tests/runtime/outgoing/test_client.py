"""Requests through real proxies, to a server whose certificate is signed by an authority of the test's own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from runtime.outgoing.client import WayOut, open_client
from runtime.outgoing.unusable import UnusableVariableError
from tests.authority import Authority
from tests.forward_proxy import ForwardProxy
from tests.receiver.key_server import KeyServer, run_key_server

# No name server knows it: only a proxy can lead there.
URL = "https://keys.invalid/keys.json"
SCHEMES = ["http", "socks5", "socks5h"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def server(authority: Authority) -> Iterator[KeyServer]:
    with run_key_server(authority.server_context("keys.invalid")) as server:
        server.content = b"the keys"
        yield server


def get(url: str, environment: dict[str, str]) -> str:
    async def ask() -> str:
        way_out = WayOut.from_environment(environment)
        async with open_client(way_out, timeout=httpx2.Timeout(10), headers={}) as client:
            return (await client.get(url)).text

    return asyncio.run(ask())


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_proxy_is_asked_by_name_and_the_named_authority_is_trusted(
    server: KeyServer, authority: Authority, scheme: str
) -> None:
    with ForwardProxy(server.port) as proxy:
        variables = {"ALL_PROXY": f"{scheme}://127.0.0.1:{proxy.port}", "SSL_CERT_FILE": str(authority.file)}
        assert get(URL, variables) == "the keys"
        assert proxy.asked == ["keys.invalid:443"]


def test_a_folder_of_authorities_is_trusted(server: KeyServer, authority: Authority, tmp_path: Path) -> None:
    with ForwardProxy(server.port) as proxy:
        folder = authority.hashed_folder(tmp_path / "hashed")
        variables = {"HTTPS_PROXY": f"127.0.0.1:{proxy.port}", "SSL_CERT_DIR": str(folder)}
        assert get(URL, variables) == "the keys"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_proxy_gets_the_user_and_password_of_its_url(server: KeyServer, authority: Authority, scheme: str) -> None:
    with ForwardProxy(server.port, "user", "pass word@") as proxy:
        place = f"127.0.0.1:{proxy.port}"
        certificates = {"SSL_CERT_FILE": str(authority.file)}
        assert get(URL, {"ALL_PROXY": f"{scheme}://user:pass%20word%40@{place}", **certificates}) == "the keys"
        assert proxy.asked == ["keys.invalid:443"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_other_authorities_than_the_named_ones_are_not_trusted(server: KeyServer, tmp_path: Path, scheme: str) -> None:
    other = Authority(tmp_path, "other")
    for certificates in ({}, {"SSL_CERT_FILE": str(other.file)}):
        with (
            ForwardProxy(server.port) as proxy,
            pytest.raises(httpx2.ConnectError, match="certificate verify failed"),
        ):
            get(URL, {"ALL_PROXY": f"{scheme}://127.0.0.1:{proxy.port}", **certificates})


def test_a_file_that_comes_later_is_taken(server: KeyServer, authority: Authority, tmp_path: Path) -> None:
    path = tmp_path / "mounted.pem"

    async def ask(port: int) -> str:
        way_out = WayOut.from_environment({"HTTPS_PROXY": f"http://127.0.0.1:{port}", "SSL_CERT_FILE": str(path)})
        async with open_client(way_out, timeout=httpx2.Timeout(10), headers={}) as client:
            with pytest.raises(UnusableVariableError):
                await client.get(URL)
            path.write_bytes(authority.file.read_bytes())
            return (await client.get(URL)).text

    with ForwardProxy(server.port) as proxy:
        assert asyncio.run(ask(proxy.port)) == "the keys"


def test_unencrypted_loopback_needs_neither_proxy_nor_certificates() -> None:
    with run_key_server() as server:
        server.content = b"the keys"
        variables = {"ALL_PROXY": "nonsense://", "SSL_CERT_FILE": "/gone"}
        assert get(f"http://127.0.0.1:{server.port}/", variables) == "the keys"
