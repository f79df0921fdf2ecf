"""An answer leaves in one piece."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from receiver.joined_writes import JoinedWrites

Act = Callable[[JoinedWrites], Awaitable[None]]


class Listening(asyncio.Protocol):
    """Keeps each piece that arrives, and tells when the other side has closed."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.closed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.closed.set()


async def received(act: Act) -> list[bytes]:
    """What arrives, piece by piece, of what is done with a connection that is closed in the end."""
    loop = asyncio.get_running_loop()
    listening = Listening()
    server = await loop.create_server(lambda: listening, "127.0.0.1", 0)
    transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    joined = JoinedWrites(transport, loop)
    await act(joined)
    joined.close()
    await listening.closed.wait()
    server.close()
    return listening.pieces


async def answer_and_close(joined: JoinedWrites) -> None:
    joined.write(b"head")
    joined.write(b"body")


async def answer_and_wait(joined: JoinedWrites) -> None:
    joined.write(b"head")
    joined.write(b"body")
    await asyncio.sleep(0)
    assert joined.get_write_buffer_size() == 0  # it has left, before anything else was written


async def answer_in_two_turns(joined: JoinedWrites) -> None:
    for piece in (b"head", b"body"):
        joined.write(piece)
        await asyncio.sleep(0)


@pytest.mark.parametrize("act", [answer_and_close, answer_and_wait])
def test_what_is_written_in_one_turn_arrives_in_one_piece(act: Act) -> None:
    assert asyncio.run(received(act)) == [b"headbody"]


def test_what_is_written_in_two_turns_arrives_in_order() -> None:
    assert b"".join(asyncio.run(received(answer_in_two_turns))) == b"headbody"


def test_nothing_is_written_to_a_connection_that_is_lost() -> None:
    async def lose(joined: JoinedWrites) -> None:
        joined.write(b"head")
        joined.abort()
        await asyncio.sleep(0)
        joined.write(b"body")

    assert asyncio.run(received(lose)) == []
