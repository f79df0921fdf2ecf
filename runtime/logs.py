"""Logs of both processes: one JSON object a line, or coloured text where a person looks at a terminal.

An event has a fixed name, ids are fields. Bodies never get here: of a library's record only the template is logged, not
the values in it (Dramatiq's are the messages themselves), and of an exception only its type and where it was raised (a
database quotes the values it objects to).
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

# Frames of an exception that are logged, innermost last.
_FRAMES = 12

_STREAM_KEY = re.compile(r"""(stream_?key[\\"']*\s*[:=]\s*[\\"']*)[^\\"',}\s]+""", re.IGNORECASE)


def set_up_logging(stream: TextIO | None = None) -> None:
    """Send the process's own events (from INFO on) and the libraries' (from WARNING on) to `stream`, else to stderr."""
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
    # Pika tells a lost connection in seven errors; QueueAwayError tells it once.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "dramatiq"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash


def _safely(*processors: Processor) -> Processor:
    """Return the processors as one; an event that they can't bring into a line is lost, and no error."""

    def process(logger: WrappedLogger, method: str, event: EventDict) -> Any:
        made: Any = event
        try:
            for processor in processors:
                made = processor(logger, method, made)
        except Exception:  # noqa: BLE001 - whatever a value's text is made by
            lost_lines.add()
            raise structlog.DropEvent from None
        return made

    return process


class LoggableError(Exception):
    """An error whose text holds nothing of a message or a row, so that it may be logged."""


class _LibraryHandler(logging.Handler):
    """Logs what libraries say without what they say it about."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        try:
            self._emit(record)
        except Exception:  # noqa: BLE001 - as in _safely
            lost_lines.add()

    def _emit(self, record: logging.LogRecord) -> None:
        # The first line: asyncio puts the exceptions themselves, text and all, into those that follow.
        fields: dict[str, Any] = {"library": record.name, "says": str(record.msg).partition("\n")[0]}
        # The one kind of value that is known to hold nothing of a message.
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
    """Return the type of an exception and where it was raised, without its text."""
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
