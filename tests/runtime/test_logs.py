"""Logs say what happened to which delivery, but never quote it."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from dramatiq import Message, MessageProxy

from runtime.log_lines import lost_lines
from runtime.logs import set_up_logging
from tests.workers.queue.deliveries import BODY, a_delivery
from workers.queue.message import encode_group, group_message
from workers.queue.publisher import QueueAwayError

SECRET = "a body that no log may show"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, with the process's logging as it is in production."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    set_up_logging(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def logged(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_an_event_is_a_line_of_json_with_its_ids_as_fields(lines: io.StringIO) -> None:
    structlog.get_logger("test").info("delivery_kept", delivery_id="01a2")
    [line] = logged(lines)
    assert line["event"] == "delivery_kept"
    assert line["delivery_id"] == "01a2"
    assert line["level"] == "info"


def test_what_dramatiq_logs_of_a_message_shows_no_body(lines: io.StringIO) -> None:
    group = [a_delivery(BODY)]
    proxy = MessageProxy(group_message(group))
    logger = logging.getLogger("dramatiq.worker.WorkerThread")
    for text in ("Failed to process message %s with unhandled exception.", "Message %s was skipped."):
        try:
            int(SECRET)
        except ValueError as error:
            logger.error(text, proxy, exc_info=error)  # noqa: TRY400 - as Dramatiq does
    logger.critical("Received message %r", Message("q", "a", (SECRET,), {}, {}))
    text = lines.getvalue()
    assert SECRET not in text
    assert encode_group(group) not in text
    assert "Failed to process message %s" in text
    assert "builtins.ValueError at test_logs.py" in text


def test_what_a_database_quotes_in_its_error_is_not_logged(lines: io.StringIO, database_url: str) -> None:
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.DataError, match=SECRET) as raised:
        connection.execute("SELECT %s::integer", (SECRET,))
    structlog.get_logger("test").error("group_failed", exc_info=raised.value)
    [line] = logged(lines)
    assert SECRET not in json.dumps(line)
    assert line["exception"][0].startswith("psycopg.errors.InvalidTextRepresentation at ")


@pytest.mark.parametrize("written", ['{"streamKey": "%s"}', "streamKey=%s", r"{\"stream_key\":\"%s\"}"])
def test_a_stream_key_is_removed_wherever_it_stands(lines: io.StringIO, written: str) -> None:
    structlog.get_logger("test").info("anything", detail=written % "live_123", deep=[{"streamKey": "live_123"}])
    assert "live_123" not in lines.getvalue()
    assert "[removed]" in lines.getvalue()


def test_why_a_queue_is_away_is_told(lines: io.StringIO) -> None:
    logging.getLogger("dramatiq.worker").critical("Consumer: %s", QueueAwayError("RabbitMQ does not answer."))
    [line] = logged(lines)
    assert line["detail"] == f"RabbitMQ does not answer. {QueueAwayError.REMEDY}"


def test_what_libraries_say_below_a_warning_is_not_logged(lines: io.StringIO) -> None:
    logging.getLogger("dramatiq.worker").info("Worker has been shut down.")
    logging.getLogger("uvicorn.access").info("%s", SECRET)
    assert lines.getvalue() == ""


def test_a_line_that_cannot_be_written_is_counted_and_no_error(lines: io.StringIO) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    closed = io.StringIO()
    closed.close()
    lost_lines.since_last()
    with open("/dev/full", "w") as full, os.fdopen(writing, "w") as without_reader:  # noqa: PTH123 - a device
        for stream in (full, without_reader, closed):
            set_up_logging(stream)
            for _ in range(2):
                structlog.get_logger("test").error("spool_failed", detail="a full disk")
                logging.getLogger("a.library").error("it fails")
            assert lost_lines.since_last() == 4
    assert not lines.getvalue()


def test_a_value_that_has_no_text_costs_its_line_and_no_more(lines: io.StringIO) -> None:
    class Textless:
        def __repr__(self) -> str:
            raise RuntimeError

    lost_lines.since_last()
    structlog.get_logger("test").info("delivery_kept", value=Textless())
    library = logging.getLogger().handlers[0]
    library.handle(logging.makeLogRecord({"name": "a.library", "levelno": logging.ERROR, "msg": Textless()}))
    assert lost_lines.since_last() == 2
    structlog.get_logger("test").info("delivery_kept", value="text")
    assert [line["value"] for line in logged(lines)] == ["text"]


def test_text_that_no_encoding_takes_is_written_escaped(tmp_path: Path, lines: io.StringIO) -> None:
    path = tmp_path / "log"
    with path.open("w", encoding="ascii") as stream:
        set_up_logging(stream)
        structlog.get_logger("test").info("delivery_kept", value="\ud800 \xe9 \u4e00")
    assert not lines.getvalue()
    [line] = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["value"] == "\ud800 \xe9 \u4e00"


def test_a_process_whose_stderr_is_closed_logs_to_nobody() -> None:
    program = "import sys, structlog; from runtime.logs import set_up_logging; set_up_logging(); "
    program += "structlog.get_logger().error('spool_failed'); sys.exit(7)"
    assert (
        subprocess.run(["/bin/sh", "-c", f'exec 2>&-; "{sys.executable}" -c "{program}"'], check=False).returncode == 7
    )
