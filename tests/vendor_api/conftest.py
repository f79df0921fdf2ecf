"""A fake vendor on loopback, and clients of it."""

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.vendor_api.fake_vendor import FakeVendor
from tests.vendor_api.world import made_up
from vendor_api.client import VendorClient
from vendor_api.pace import Pace
from vendor_api.settings import VendorSettings

OpenClient = Callable[[], VendorClient]


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    """A vendor with a few sessions."""
    with FakeVendor(made_up(random.Random(3), 12)) as started:
        yield started


@pytest.fixture
def stopping() -> threading.Event:
    """Ends the waits of the clients."""
    return threading.Event()


@pytest.fixture
def open_client(database_url: str, stopping: threading.Event) -> Iterator[OpenClient]:
    """Open a client that is in no hurry to wait; each has a pace of its own, as in a process of its own."""
    with ExitStack() as opened:

        def open_one() -> VendorClient:
            pace = opened.enter_context(Pace(database_url, 1000, stopping))
            settings = settings_of({})
            return opened.enter_context(VendorClient(pace, settings.way_out, stopping, first_pause=0.001))

        yield open_one


@pytest.fixture
def client(open_client: OpenClient) -> VendorClient:
    """A client."""
    return open_client()


def settings_of(environment: Mapping[str, str]) -> VendorSettings:
    """Return the settings that variables make."""
    return VendorSettings.from_environment(environment)
