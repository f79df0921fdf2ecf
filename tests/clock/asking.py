"""A database, a fake vendor, and what asks it: the answers go through the queue's encoding straight to the tables."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from clock.asking import Asker
from clock.backfill import Backfill
from runtime.connections import connect
from runtime.session import Session
from tests.meaning.work import connect as connect_worker
from tests.vendor_api.fake_vendor import FakeVendor
from vendor_api.client import VendorClient
from vendor_api.credentials import Credentials
from vendor_api.history import History
from vendor_api.pace import Pace
from vendor_api.settings import VendorSettings
from workers.queue.message import answers_message, decode_answers
from workers.queue.observation import Answers
from workers.reading.scope import Scope
from workers.settling.observe import observe

QUICK = {"VENDOR_CALLS_PER_SECOND": "1000"}
DAY = timedelta(days=1)


@dataclass
class Desk:
    """Everything that a backfill needs, put together as the command does it."""

    url: str
    connection: Session
    client: VendorClient
    settings: VendorSettings
    published: int = 0

    def publish(self, answers: Answers) -> None:
        """Take answers as the queue does, and settle them at once as a worker does."""
        self.published += 1
        decoded = decode_answers(answers_message(answers).args[0])
        with connect_worker(self.url) as worker, worker.transaction():
            observe(worker, decoded, Scope())

    def backfill(self, per_page: int = 3) -> Backfill:
        """Return a new backfill."""
        history = History(self.client, per_page)
        return Backfill(self.connection, history, Asker(history, self.publish))

    @property
    def credentials(self) -> Credentials:
        return self.settings.credentials[0]


@contextmanager
def desk(url: str, vendor: FakeVendor, *, dyte: bool = True, realtimekit: bool = False) -> Iterator[Desk]:
    """Yield a desk that asks a vendor, in one dialect unless both are wanted."""
    environment = vendor.environment(dyte=dyte, realtimekit=realtimekit) | QUICK
    settings = VendorSettings.from_environment(environment)
    stopping = threading.Event()
    with (
        connect(url, name="test") as connection,
        Pace(url, settings.calls_per_second, stopping) as pace,
        VendorClient(pace, settings.way_out, stopping, first_pause=0.001) as client,
    ):
        yield Desk(url, connection, client, settings)
