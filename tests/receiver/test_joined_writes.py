"""An answer leaves in one piece, and leaves whatever the sender does."""

import asyncio
import socket
from collections.abc import Callable

import pytest
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.joined_writes import JoinedWrites
from tests.receiver.running import read_answer, run


class Recorded:
    """The output of `JoinedWrites`: each write separately, and the end."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def is_closing(self) -> bool:
        return b"closed" in self.calls

    def close(self) -> None:
        self.calls.append(b"closed")


def calls_of(act: Callable[[JoinedWrites], None], *, turns: int) -> list[bytes]:
    async def act_in_turns() -> list[bytes]:
        recorded = Recorded()
        joined = JoinedWrites(recorded, asyncio.get_running_loop())  # type: ignore[arg-type]  # all that it uses
        for _ in range(turns):
            act(joined)
            await asyncio.sleep(0)
        return recorded.calls

    return uvloop.run(act_in_turns())


def answer(joined: JoinedWrites) -> None:
    joined.write(b"head")
    joined.write(b"body")


def answer_and_close(joined: JoinedWrites) -> None:
    answer(joined)
    joined.close()


@pytest.mark.parametrize(
    ("act", "turns", "calls"),
    [
        (answer, 1, [b"headbody"]),
        (answer, 2, [b"headbody", b"headbody"]),
        (answer_and_close, 1, [b"headbody", b"closed"]),
    ],
)
def test_what_is_written_in_one_turn_is_one_write(
    act: Callable[[JoinedWrites], None], turns: int, calls: list[bytes]
) -> None:
    assert calls_of(act, turns=turns) == calls


def test_nothing_is_written_to_a_connection_that_is_closed() -> None:
    def close_and_answer(joined: JoinedWrites) -> None:
        joined.close()
        answer(joined)

    assert calls_of(close_and_answer, turns=1) == [b"closed"]


def test_a_sender_that_has_said_its_last_word_still_gets_its_answer() -> None:
    connection = socket.socket()

    async def answer_meanwhile(_request: Request) -> Response:
        connection.shutdown(socket.SHUT_WR)  # the end of what it sends is there before the answer is written
        return Response("kept")

    with connection, run(Starlette(routes=[Route("/", answer_meanwhile)])) as receiver:
        connection.settimeout(10)
        connection.connect(("127.0.0.1", receiver.port))
        connection.sendall(b"GET / HTTP/1.1\r\nhost: receiver\r\n\r\n")
        assert read_answer(connection).content == b"kept"
