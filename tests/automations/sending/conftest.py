from collections.abc import Iterator

import pytest

from tests.automations.sending.outbox import Outbox, open_outbox
from tests.automations.sending.receiving import Receiving, receiving


@pytest.fixture
def outbox(database_url: str) -> Iterator[Outbox]:
    with open_outbox(database_url) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[Receiving]:
    with receiving() as there:
        yield there
