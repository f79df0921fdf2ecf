"""Connections to an endpoint are kept between requests, unless their end may be near."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from automations.sending import client as clients
from automations.sending.client import EndpointClient
from automations.sending.guard import Guard
from automations.sending.way import Way

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CUT_OFF = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"
LAST = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class Server:
    """Answers each request on each connection with `answer`, once `may_answer`; None hangs up."""

    url: str = ""
    answer: bytes | None = OK
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    opened: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    requests: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self.open.add(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n{}"):
                self.requests += 1
                await self.may_answer.wait()
                if self.answer is None:
                    break
                writer.write(self.answer)
                if self.answer is CUT_OFF:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            self.open.discard(writer)
            writer.close()


@asynccontextmanager
async def serving(connections: int = 8, seconds: float = 10.0) -> AsyncIterator[tuple[Server, EndpointClient]]:
    server = Server()
    server.may_answer.set()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/a"
    client = EndpointClient(Way(Guard(loopback=True)), server.url, connections, seconds)
    try:
        yield server, client
    finally:
        await client.close()
        await until(lambda: not server.open)
        listening.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - of a server that says nothing of its own accord
            await asyncio.sleep(0.005)


async def post(client: EndpointClient) -> int | str | None:
    answer = await client.post({"webhook-id": "msg_1"}, b"{}")
    return answer.error or answer.status


def test_requests_one_after_the_other_share_a_connection() -> None:
    async def run() -> None:
        async with serving() as (server, client):
            assert [await post(client) for _ in range(20)] == [200] * 20
            assert server.opened == 1

    asyncio.run(run())


def test_requests_at_the_same_time_have_one_each_and_these_are_kept() -> None:
    async def run() -> None:
        async with serving() as (server, client):
            for _ in range(3):
                server.may_answer.clear()
                before = server.requests
                posts = [asyncio.create_task(post(client)) for _ in range(8)]
                await until(lambda: server.requests == before + 8)  # noqa: B023 - awaited in this round
                server.may_answer.set()
                assert await asyncio.gather(*posts) == [200] * 8
            assert server.opened == 8

    asyncio.run(run())


def test_one_that_the_server_has_closed_is_not_used() -> None:
    async def run() -> None:
        async with serving() as (server, client):
            assert await post(client) == 200
            [writer] = server.open
            writer.close()
            await writer.wait_closed()
            # Until this side has heard of it.
            await until(lambda: not server.open)
            assert await post(client) == 200
            assert server.opened == 2

    asyncio.run(run())


@pytest.mark.parametrize("answer", [CUT_OFF, None, LAST])
def test_one_whose_answer_was_not_whole_or_said_to_be_the_last_is_not_used_again(answer: bytes | None) -> None:
    async def run() -> None:
        async with serving() as (server, client):
            server.answer = answer
            first = await post(client)
            assert first == 200 if answer is LAST else "cut off" in str(first)
            server.answer = OK
            assert await post(client) == 200
            assert server.opened == 2

    asyncio.run(run())


def test_one_that_did_not_answer_in_time_is_closed() -> None:
    async def run() -> None:
        async with serving(seconds=0.3) as (server, client):
            server.may_answer.clear()
            assert "no whole answer" in str(await post(client))
            server.may_answer.set()
            await until(lambda: not server.open)
            assert await post(client) == 200

    asyncio.run(run())


def test_one_that_was_idle_for_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_KEEP_SECONDS", 0.0)

    async def run() -> None:
        async with serving() as (server, client):
            assert [await post(client) for _ in range(3)] == [200] * 3
            assert server.opened == 3
            await until(lambda: len(server.open) <= 1)

    asyncio.run(run())


def test_what_the_guard_refuses_opens_none() -> None:
    async def run() -> None:
        async with serving() as (server, _):
            client = EndpointClient(Way(Guard()), server.url, 1, 5.0)
            assert "AUTOMATIONS_ALLOW" in str(await post(client))
            assert server.opened == 0

    asyncio.run(run())
