"""One receiver process: a socket, uvicorn on it, and a graceful shutdown."""

import gc
import logging
import os
import signal
import socket
import threading
from functools import partial
from types import FrameType
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from receiver.connection import LimitedConnection
from receiver.connections import Connections, Limits
from receiver.refusal import ReceiverError
from runtime import listening

_log = structlog.get_logger(__name__)

# Connections that the kernel queues while the loop is busy.
_BACKLOG = 2048

# A body has ten seconds to arrive; making it durable takes one or two more.
_STOP_SECONDS = 15


class ListenError(ReceiverError):
    """The receiver can't listen on its configured address. The message is one line for the operator."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        ListenError: the port is taken, or the host is not one of this machine's addresses.
    """
    try:
        return listening.listen(host, port, _BACKLOG)
    except OSError as error:
        raise ListenError(
            f"The receiver can't listen on HOST {host}, PORT {port}: {error.strerror}. "
            "Stop the process that uses it, or set HOST and PORT to a free address of this machine."
        ) from error


def make_server(app: ASGIApp, connections: Connections | None = None, *, protocol: Any = None) -> uvicorn.Server:
    """Return the HTTP server of a receiver; run it with a listening socket.

    Args:
        app: what answers.
        connections: with the limits of each and of all.
        protocol: a uvicorn protocol to use instead, without limits: for comparison.
    """
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol
        or partial(  # type: ignore[arg-type]  # called like a class
            LimitedConnection, connections=connections or Connections(Limits())
        ),
        ws="none",
        interface="asgi3",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    return uvicorn.Server(config)


def serve(app: ASGIApp, listener: socket.socket, connections: Connections | None = None) -> int:
    """Serve until SIGTERM or SIGINT; then stop accepting, answer pending requests, and return.

    Args:
        app: what answers.
        listener: the socket to accept connections on.
        connections: with the limits of each and of all.

    Returns:
        The exit status: 0, also after a signal.
    """
    server = make_server(app, connections)
    # Anyone can send invalid HTTP: not worth a log line each.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)

    # uvicorn re-raises the signal for earlier handlers after shutdown; a clean return is all we want.
    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    _collect_rarely()
    host, port = listener.getsockname()[:2]
    _log.info("receiver_listening", host=host, port=port, pid=os.getpid())
    server.run(sockets=[listener])
    _log.info("receiver_stopped", pid=os.getpid())
    return 0


def _collect_rarely() -> None:
    """Freeze long-lived objects and run the garbage collector less often.

    With Python's defaults it takes a tenth of a busy receiver's time, though a request leaves only a few dozen objects
    in cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


class Breakdown:
    """Ends this process because a part of it has died; its supervisor restarts it."""

    status = 1

    def __init__(self) -> None:
        self.has_happened = False

    def __call__(self) -> None:
        """Stop as on SIGTERM, answering what can be answered; exit anyway if that hangs."""
        self.has_happened = True
        last_resort = threading.Timer(_STOP_SECONDS, os._exit, (self.status,))
        last_resort.daemon = True
        last_resort.start()
        os.kill(os.getpid(), signal.SIGTERM)
