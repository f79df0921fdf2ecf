"""The console's HTTP server."""

import logging
import signal
import socket
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp

# Seconds that pages have to be finished after a signal.
_STOP_SECONDS = 10
_MOST_CONNECTIONS = 200
_BACKLOG = 128

_log = structlog.get_logger(__name__)


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then finish the pages that are asked for.

    Args:
        app: what answers.
        listener: the socket to accept connections on.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            interface="asgi3",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=_STOP_SECONDS,
            backlog=_BACKLOG,
        )
    )
    # Anyone can send invalid HTTP: not worth a log line each. What fails in a page is logged by itself.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    host, port = listener.getsockname()[:2]
    _log.info("console_listening", host=host, port=port)
    server.run(sockets=[listener])
    _log.info("console_stopped")
