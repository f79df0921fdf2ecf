"""One receiver process: a socket, uvicorn on it, and an orderly end."""

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

# Connections that the kernel holds while the loop is busy.
_BACKLOG = 2048

# A body has ten seconds to arrive, keeping takes one or two more.
_STOP_SECONDS = 15


class ListenError(ReceiverError):
    """The receiver can't listen where it was told to. The message is one line for the person who told it."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        ListenError: the port is taken, or the host is none of this machine's.
    """
    try:
        return listening.listen(host, port, _BACKLOG)
    except OSError as error:
        raise ListenError(
            f"The receiver can't listen on HOST {host}, PORT {port}: {error.strerror}. "
            "Stop what uses it, or set HOST and PORT to a free address of this machine."
        ) from error


def make_server(app: ASGIApp, connections: Connections | None = None, *, protocol: Any = None) -> uvicorn.Server:
    """Return the HTTP server of a receiver; to be run with a listening socket.

    Args:
        app: what answers.
        connections: with the limits of each and of all.
        protocol: another uvicorn protocol instead, without limits: for comparison.
    """
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol
        or partial(  # type: ignore[arg-type]  # it is called as a class would be
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
    """Serve until SIGTERM or SIGINT: then take no more, answer what is under way, and end.

    Args:
        app: what answers.
        listener: the socket to take connections from.
        connections: with the limits of each and of all.

    Returns:
        The exit status: 0, also after a signal.
    """
    server = make_server(app, connections)
    # Anyone can send what is no HTTP: not worth a line each time.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)

    # uvicorn raises a signal again when it has ended, for whoever handled it before: that it ended is all we want.
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
    """Spare the garbage collector what never becomes garbage, and most of its rounds.

    With Python's defaults it takes a tenth of a busy receiver's time; what a request leaves behind in cycles is a
    few dozen objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


class Breakdown:
    """Ends this process because a part of it has ended; its supervisor starts it again."""

    status = 1

    def __init__(self) -> None:
        self.has_happened = False

    def __call__(self) -> None:
        """Stop as by SIGTERM: answer what can be answered. Should that hang on what is broken, end anyway."""
        self.has_happened = True
        last_resort = threading.Timer(_STOP_SECONDS, os._exit, (self.status,))
        last_resort.daemon = True
        last_resort.start()
        os.kill(os.getpid(), signal.SIGTERM)
