"""40 hostile addresses by five ways, over real sockets: none is connected to, by whatever way it comes.

Every connection that this process opens is seen by an audit hook of the interpreter.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network

import httpx2
import pytest

from automations.sending.client import EndpointClient
from automations.sending.guard import Guard
from automations.sending.judgement import Answer
from automations.sending.way import Way
from tests.automations.sending.receiving import Receiving, Reply, receiving
from tests.automations.sending.test_guard import HOSTILE, V4, disguises

# Where our own server is: the only address that may be sent to.
OURS = "127.0.0.9"
# What the name server answers, in turn.
_answers: list[Sequence[str]] = []
REDIRECTS = [301, 302, 303, 307, 308]

_seen: list[list[str]] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and _seen and isinstance(arguments[1], tuple):
        _seen[-1].append(str(arguments[1][0]))


sys.addaudithook(_hook)


@contextmanager
def connections() -> Iterator[list[str]]:
    """The addresses to which the block opens connections."""
    _seen.append([])
    try:
        yield _seen[-1]
    finally:
        _seen.pop()


@pytest.fixture(scope="module")
def ours() -> Iterator[Receiving]:
    with receiving(host=OURS) as there:
        yield there


async def _resolve(_: str) -> Sequence[str]:
    return _answers.pop(0)


# One for all, as its TLS context takes long to make.
WAY = Way(Guard([ip_network(f"{OURS}/32")]), resolve=_resolve)


def posts(url: str, count: int = 1, *, answers: Sequence[Sequence[str]] = ()) -> list[Answer]:
    """Post some times, each on a new connection; `answers` are those of the name server, all of which are asked for."""
    _answers[:] = answers

    async def post() -> list[Answer]:
        found = []
        for _ in range(count):
            client = EndpointClient(WAY, url, 1, 5.0)
            found.append(await client.post({"webhook-id": "msg_1"}, b"{}"))
            await client.close()
        return found

    found = asyncio.run(post())
    assert not _answers
    return found


def in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def ways_to_write(address: str) -> list[str]:
    return [address, *(disguises(address) if address in V4 else [])]


@pytest.mark.parametrize("address", HOSTILE)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_literal_of_it_is_refused_in_each_form(address: str, scheme: str) -> None:
    with connections() as seen:
        for one in ways_to_write(address):
            [answer] = posts(f"{scheme}://{in_url(one)}:8443/a")
            assert "AUTOMATIONS_ALLOW" in (answer.error or ""), one
    assert seen == []


@pytest.mark.parametrize("address", HOSTILE)
def test_a_name_that_leads_to_it_is_refused_in_each_form(address: str) -> None:
    with connections() as seen:
        for one in ways_to_write(address):
            for found in ([one], ["8.8.8.8", one], [OURS, one]):
                [answer] = posts("https://name.example/a", answers=[found])
                assert "AUTOMATIONS_ALLOW" in (answer.error or ""), found
    assert seen == []


@pytest.mark.parametrize("address", HOSTILE)
def test_a_redirect_to_it_is_not_followed(address: str, ours: Receiving) -> None:
    forms = [(status, address) for status in REDIRECTS] + [(307, one) for one in ways_to_write(address)[1:]]
    with connections() as seen:
        for status, one in forms:
            ours.answer("/a", Reply(status, {"location": f"http://{in_url(one)}:{ours.port}/stolen"}))
            assert [answer.status for answer in posts(f"{ours.url}/a")] == [status]
    assert seen == [OURS] * len(forms)
    assert ours.of("/stolen") == []


@pytest.mark.parametrize("address", HOSTILE)
def test_a_name_that_changes_to_it_between_look_and_connect_gains_nothing(address: str, ours: Receiving) -> None:
    ours.answer("/b", Reply())
    for one in ways_to_write(address):
        with connections() as seen:
            # It is looked up once for each connection, and the address that was judged is the one that is used.
            first, second = posts(f"http://name.example:{ours.port}/b", 2, answers=[[OURS], [one]])
        assert first.status == 200
        assert "AUTOMATIONS_ALLOW" in (second.error or "")
        assert seen == [OURS]


def test_a_client_that_follows_would_be_noticed(ours: Receiving) -> None:
    ours.answer("/c", Reply(307, {"location": f"http://127.0.0.8:{ours.port}/stolen"}))

    async def follow() -> None:
        async with httpx2.AsyncClient(follow_redirects=True, trust_env=False) as client:
            with pytest.raises(httpx2.ConnectError):
                await client.post(f"{ours.url}/c", content=b"{}")

    with connections() as seen:
        asyncio.run(follow())
    assert seen == [OURS, "127.0.0.8"]
