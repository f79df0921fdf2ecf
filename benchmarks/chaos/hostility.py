"""Connections to a receiver that do what no honest client does, for as long as a `with` block lasts."""

import base64
import threading
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

from tests.attack.attackers import connections, push
from tests.receiver.running import RunningReceiver

_SILENT, _STALLED, _UNREAD, _ENDLESS = 150, 60, 10, 2
_KIB = 1024
_START = b"POST /webhook HTTP/1.1\r\nhost: x\r\n"
_FORGED = b"rtk-signature: " + base64.b64encode(b"\1" * 256) + b"\r\n"
_STALLS = _START + _FORGED + b"content-length: 1000000\r\n\r\n" + b"x" * 60 * _KIB
_REQUESTS = b"GET /healthz HTTP/1.1\r\n\r\n" * 500
_HEADERS = b"x: y\r\n" * 10_000


class Hostility:
    """The connections."""

    def __init__(self, port: int) -> None:
        self._receiver = RunningReceiver(port)
        self._ending = ExitStack()
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        with suppress(OSError), ExitStack() as opening:
            opening.enter_context(connections(self._receiver, _SILENT))
            for count, sent in ((_STALLED, _STALLS), (_UNREAD, _REQUESTS)):
                for sender in opening.enter_context(connections(self._receiver, count)):
                    push(sender, [sent])
            threads = [threading.Thread(target=self._send_without_end, daemon=True) for _ in range(_ENDLESS)]
            for thread in threads:
                thread.start()
                opening.callback(thread.join)
            opening.callback(self._stopping.set)
            self._ending = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.close()

    def _send_without_end(self) -> None:
        """Send headers until the receiver has enough, and then again."""
        while not self._stopping.wait(0.5):
            with suppress(OSError), self._receiver.connect() as sender:
                sender.settimeout(2)
                push(sender, [_START, *([_HEADERS] * 20)])
