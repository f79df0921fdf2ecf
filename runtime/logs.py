"""Logging for all processes: one JSON object per line, or coloured text on a terminal.

An event has a fixed name; ids are fields. Bodies are never logged: a library's record is logged as its template without
the values (Dramatiq's values are the messages themselves), an exception as its type and where it was raised (a database
quotes the offending values).
"""

import logging
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from runtime.log_lines import LogLines, lost_lines

# Logged frames per exception, innermost last.
_FRAMES = 12

_STREAM_KEY = re.compile(r"""(stream_?key[\\"']*\s*[:=]\s*[\\"']*)[^\\"',}\s]+""", re.IGNORECASE)


def set_up_logging(stream: TextIO | None = None) -> None:
    """Log the process's events (INFO and up) and the libraries' (WARNING and up) to `stream`, by default stderr."""
    out = LogLines(stream or sys.stderr)
    renderer: Processor = (
        structlog.dev.ConsoleRenderer() if out.is_terminal else structlog.processors.JSONRenderer(default=str)
    )
    structlog.configure(
        processors=[
            _safely(
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
                _exception_without_text,
                _remove_stream_keys,
                renderer,
            )
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", out)),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_LibraryHandler()]
    root.setLevel(logging.WARNING)
    # Pika logs a lost connection as seven errors; we log QueueAwayError once.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "dramatiq"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash


def _safely(*processors: Processor) -> Processor:
    """Chain the processors; an event they can't render is dropped and counted instead of raising."""

    def process(logger: WrappedLogger, method: str, event: EventDict) -> Any:
        made: Any = event
        try:
            for processor in processors:
                made = processor(logger, method, made)
        except Exception:  # noqa: BLE001 - a value's `__str__` may raise anything
            lost_lines.add()
            raise structlog.DropEvent from None
        return made

    return process


class LoggableError(Exception):
    """An error whose text contains nothing from a message or a row, so it may be logged."""


class _LibraryHandler(logging.Handler):
    """Logs libraries' records without the values in them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        try:
            self._emit(record)
        except Exception:  # noqa: BLE001 - as in _safely
            lost_lines.add()

    def _emit(self, record: logging.LogRecord) -> None:
        # The first line only: asyncio puts the exception's text into the following ones.
        fields: dict[str, Any] = {"library": record.name, "says": str(record.msg).partition("\n")[0]}
        # The only values known to contain nothing from a message.
        details = [str(value) for value in _values(record) if isinstance(value, LoggableError)]
        if details:
            fields["detail"] = details[0]
        if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
            fields["exc_info"] = record.exc_info[1]
        level = max(record.levelno // 10 * 10, logging.DEBUG)
        structlog.get_logger(record.name).log(level, "library_message", **fields)


def _values(record: logging.LogRecord) -> Iterable[object]:
    return record.args.values() if isinstance(record.args, Mapping) else record.args or ()


def _exception_without_text(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    given: ExcInfo | BaseException | bool | None = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()[1]
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = [describe(one) for one in _chain(error)]
    return event


def _chain(error: BaseException) -> Iterable[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def describe(error: BaseException) -> str:
    """Return an exception's type and where it was raised, without its text."""
    frames: list[str] = []
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{Path(code.co_filename).name}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return f"{type(error).__module__}.{type(error).__qualname__} at {' > '.join(frames[-_FRAMES:])}"


def _remove_stream_keys(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: _without_stream_key(value) for name, value in event.items()}


def _without_stream_key(value: Any) -> Any:
    if isinstance(value, str):
        return _STREAM_KEY.sub(r"\1[removed]", value)
    if isinstance(value, dict):
        return {
            name: "[removed]" if str(name).replace("_", "").lower() == "streamkey" else _without_stream_key(part)
            for name, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_stream_key(part) for part in value]
    return value


def _log_crash(_kind: type[BaseException], error: BaseException, _traceback: TracebackType | None) -> None:
    structlog.get_logger(__name__).critical("process_crashed", exc_info=error)


def _log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    name = crash.thread.name if crash.thread else None
    structlog.get_logger(__name__).critical("thread_crashed", thread=name, exc_info=crash.exc_value)
