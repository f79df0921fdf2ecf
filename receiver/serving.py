"""One receiver process: a socket, uvicorn on it, and an orderly end."""

import gc
import logging
import os
import signal
import socket
import threading
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from receiver.joined_writes import JoiningProtocol
from receiver.refusal import ReceiverError
from runtime import listening

_log = structlog.get_logger(__name__)

# Connections that the kernel holds while the loop is busy.
_BACKLOG = 2048

# Longer than what stands in front keeps an idle connection (60 s is usual), so that it is never we who close first.
_KEEP_ALIVE_SECONDS = 75

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


def make_server(app: ASGIApp, protocol: type[HttpToolsProtocol] = JoiningProtocol) -> uvicorn.Server:
    """Return the HTTP server of a receiver; to be run with a listening socket."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol,
        ws="none",
        interface="asgi3",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    return uvicorn.Server(config)


def serve(app: ASGIApp, listener: socket.socket) -> int:
    """Serve until SIGTERM or SIGINT: then take no more, answer what is under way, and end.

    Returns:
        The exit status: 0, also after a signal.
    """
    server = make_server(app)
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


def stop_with(lifeline: int) -> None:
    """End this process as by SIGTERM when the other end of the pipe `lifeline` is closed, as by a parent's death."""

    def wait() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
