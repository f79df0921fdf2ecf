"""Receivers that watch key documents."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.receiver.conftest import MovableClock, Start
from tests.receiver.key_server import KeyServer, run_key_server
from tests.receiver.running import RunningReceiver, wait_until


@pytest.fixture
def second() -> Iterator[KeyServer]:
    """Another key document; garbage until set."""
    with run_key_server() as server:
        server.content = b"garbage"
        yield server


@pytest.fixture
def watch(start: Start, clock: MovableClock) -> Callable[..., RunningReceiver]:
    """Start a receiver that watches documents and has looked at each of them once."""

    def start_one(*documents: KeyServer, **settings: Any) -> RunningReceiver:
        before = [document.fetches for document in documents]
        urls = tuple(document.url for document in documents)
        receiver = start(settings={"key_urls": urls, **settings}, steady=clock)
        for document, fetches in zip(documents, before, strict=True):
            wait_until(lambda d=document, f=fetches: d.fetches > f, "the document was fetched")  # type: ignore[misc]
        return receiver

    return start_one
