from collections.abc import Iterator

import psycopg
import pytest

from tests.automations.announcing.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """The tables with one endpoint that wants everything."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        world = World(connection)
        world.add_endpoint()
        yield world
