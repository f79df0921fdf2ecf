"""Serves a process's metrics to Prometheus from one thread, with a bounded number of connections."""

import asyncio
import socket
import threading
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import structlog
from prometheus_client import CollectorRegistry, make_wsgi_app

from runtime.listening import listen

# Concurrent connections; when full, the oldest is closed.
_MOST_CONNECTIONS = 64
_MOST_HEAD_BYTES = 8_192
# Time limit for a scrape's request and response, in seconds.
_SECONDS = 5.0

_log = structlog.get_logger(__name__)


def start_metrics_server(registry: CollectorRegistry, host: str, port: int) -> None:
    """Serve the metrics from a thread until the process ends.

    Raises:
        OSError: the port is taken, or the host is not one of this machine's addresses.
    """
    listener = listen(host, port)
    server = _Server(registry)
    threading.Thread(target=asyncio.run, args=(server.serve(listener),), name="metrics", daemon=True).start()


class _Server:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._figures = make_wsgi_app(registry)
        # In order of arrival.
        self._connections: dict[asyncio.StreamWriter, None] = {}

    async def serve(self, listener: socket.socket) -> None:
        server = await asyncio.start_server(self._answer, sock=listener, limit=_MOST_HEAD_BYTES)
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= _MOST_CONNECTIONS:
            next(iter(self._connections)).transport.abort()
        self._connections[writer] = None
        try:
            async with asyncio.timeout(_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._response(head))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except Exception as error:  # noqa: BLE001 - one failed scrape must not break the next
            _log.warning("metrics_failed", exc_info=error)
        finally:
            writer.transport.abort()
            self._connections.pop(writer, None)

    def _response(self, head: bytes) -> bytes:
        lines = head.decode("latin-1").split("\r\n")
        method, _, target = lines[0].rpartition(" ")[0].partition(" ")
        url = urlsplit(target)
        environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": url.path, "QUERY_STRING": url.query}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            environ[f"HTTP_{name.strip().upper().replace('-', '_')}"] = value.strip()
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            started.append((status, headers))

        body = b"".join(self._figures(environ, start_response))
        [(status, headers)] = started or [(f"{HTTPStatus.NO_CONTENT} ", [])]
        fields = [*headers, ("Content-Length", str(len(body))), ("Connection", "close")]
        top = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f"HTTP/1.1 {status}\r\n{top}\r\n".encode("latin-1") + (b"" if method == "HEAD" else body)
