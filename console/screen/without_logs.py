"""Log lines of what a command calls are no part of its output."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def without_logs() -> Iterator[None]:
    """Print no log lines meanwhile: unless a process has set them up, they go to stdout, where `--json` goes."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
