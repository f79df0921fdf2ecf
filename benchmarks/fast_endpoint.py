"""An endpoint that does as little as one can: notes when each POST came, and answers it. `/hang` is never answered.

python -m benchmarks.fast_endpoint PORT

`GET /times` returns the notes as JSON: for each POST its path, `webhook-id` and Unix time; `GET /count` how many.
`GET /clear` forgets them.
"""

import asyncio
import json
import re
import sys
import time
from typing import cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb"\r\nwebhook-id: *([^\r]+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s"

_notes: list[tuple[str, str, float]] = []


class _Endpoint(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is of a class of its own
        self._read = b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end]
            found = _LENGTH.search(head)
            length = end + 4 + (int(found[1]) if found else 0)
            if len(self._read) < length:
                return
            self._read = self._read[length:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        if method == b"POST":
            found = _ID.search(head)
            _notes.append((path.decode(), found[1].decode() if found else "", time.time()))
            if path != b"/hang":
                self._transport.write(_ANSWER % (2, b"ok"))
            return
        body = str(len(_notes)) if path == b"/count" else json.dumps(_notes)
        if path == b"/clear":
            _notes.clear()
        self._transport.write(_ANSWER % (len(body), body.encode()))


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Endpoint, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
