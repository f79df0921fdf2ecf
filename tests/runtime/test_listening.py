"""The values of HOST, and the address families listened on."""

import socket

import pytest

from runtime.listening import listen, read_host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("localhost", "localhost"),
        ("web-1.internal", "web-1.internal"),
        ("::", "::"),
        ("[::]", "::"),
        ("::0", "::"),
        ("0:0:0:0:0:0:0:0", "::"),
        ("[::1]", "::1"),
        ("FD00::00ab", "fd00::ab"),
    ],
)
def test_an_address_is_taken_in_any_spelling(text: str, host: str) -> None:
    assert read_host(text) == host


@pytest.mark.parametrize(
    "text", ["", "a b", "a/b", "[::", "::]", "[127.0.0.1]", "[localhost]", "127.0.0.1:8000", "[::]:8000", ":::", "a..b",
             "x" * 64, "a\0b"],
)  # fmt: skip
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of its kind only the type is read
        read_host(text)


@pytest.mark.parametrize(
    ("host", "families"),
    [
        ("::", {"127.0.0.1", "::1"}),
        ("::1", {"::1"}),
        ("0.0.0.0", {"127.0.0.1"}),
        ("127.0.0.1", {"127.0.0.1"}),
    ],
)
def test_all_addresses_of_ipv6_are_those_of_ipv4_too(host: str, families: set[str]) -> None:
    with listen(host, 0) as listener:
        port = listener.getsockname()[1]
        assert {address for address in ("127.0.0.1", "::1") if _connects(address, port)} == families


def test_a_port_that_is_taken_in_one_family_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        listen("::", taken.getsockname()[1])


def _connects(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port)).close()
    except OSError:
        return False
    return True
