"""Everything the vendor tells arrives whole, in whichever way it answers."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.vendor_api.conftest import settings_of
from tests.vendor_api.fake_vendor import FakeVendor
from tests.vendor_api.switches import Switches
from tests.vendor_api.world import NINE, Connection, SessionHeld, World, made_up
from vendor_api.client import VendorClient
from vendor_api.credentials import Credentials
from vendor_api.history import History, Page

WAYS: dict[str, dict[str, Any]] = {
    "as published": {},
    "flat details": {"details": "flat"},
    "paging inside data": {"paging": "inside"},
    "paging nowhere": {"paging": "nowhere"},
    "small pages": {"most_per_page": 3},
    "small pages, paging inside": {"most_per_page": 3, "paging": "inside"},
    "pages of at most 20, paging nowhere": {"most_per_page": 20, "paging": "nowhere"},
    "a total that is too high": {"most_per_page": 3, "total_off": 100},
    "a list that shifts": {"most_per_page": 3, "shifts": True},
    "a list that shifts, pages of at most 20, paging nowhere": {
        "most_per_page": 20,
        "shifts": True,
        "paging": "nowhere",
    },
    "pages counted from 0": {"first_page": 0},
    "small pages counted from 0": {"first_page": 0, "most_per_page": 3, "paging": "inside"},
    "no organization": {"organization_id": "absent"},
}


def with_people(name: str, count: int) -> SessionHeld:
    """A session of so many people."""
    people = (
        Connection(
            f"{name}-{number:03}",
            f"person-{number}",
            "Ana",
            NINE + timedelta(seconds=number),
            NINE + timedelta(hours=1),
        )
        for number in range(count)
    )
    return SessionHeld(name, f"m-{name}", "Everybody", NINE, NINE + timedelta(hours=2), tuple(people))


MANY, FEWER = with_people("many", 120), with_people("fewer", 40)


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def switches(request: pytest.FixtureRequest) -> Switches:
    return Switches(**request.param)


def of(vendor: FakeVendor) -> tuple[Credentials, ...]:
    return settings_of(vendor.environment()).credentials


def ids(pages: Iterable[Page]) -> set[str]:
    return {str(row["id"]) for page in pages for row in page.rows}


def test_every_session_participant_and_recording_arrives(client: VendorClient, switches: Switches) -> None:
    world = World([*made_up(random.Random(5), 45).sessions, MANY, FEWER])
    with FakeVendor(world, switches) as vendor:
        for credentials in of(vendor):
            history = History(client)
            assert ids(history.sessions(credentials)) == {one.id for one in world.sessions}
            for session in (*world.sessions[:5], MANY, FEWER):
                expected = {one.peer_id for one in session.connections}
                assert ids(history.participants(credentials, session.id)) == expected
                one = history.session(credentials, session.id)
                assert one is not None
                assert one.row["id"] == session.id
            recordings = {made.id for session in world.sessions for made in session.recordings}
            assert ids(history.recordings(credentials, None, None)) == recordings


def test_a_small_session_costs_one_call_for_its_participants_even_where_no_page_is_counted(
    client: VendorClient,
) -> None:
    with FakeVendor(made_up(random.Random(5), 30), Switches(paging="nowhere")) as vendor:
        history = History(client)
        for session in vendor.world.sessions:
            list(history.participants(of(vendor)[0], session.id))
        assert len(vendor.calls) == len(vendor.world.sessions)


def test_an_api_that_ignores_the_number_of_the_page_is_not_asked_for_ever(client: VendorClient) -> None:
    with FakeVendor(World([MANY]), Switches(ignores_page=True, most_per_page=20)) as vendor:
        for credentials in of(vendor):
            assert len(ids(History(client).participants(credentials, "many"))) == 20
        assert len(vendor.calls) == 4


def test_a_session_that_begins_while_the_list_is_read_hides_none(client: VendorClient) -> None:
    world = made_up(random.Random(5), 20)
    before = {one.id for one in world.sessions}
    last = max(one.started_at for one in world.sessions)
    with FakeVendor(world, Switches(most_per_page=3)) as vendor:
        vendor.on_call = lambda _: (
            world.sessions.append(
                replace(world.sessions[0], id=f"new-{len(vendor.calls)}", started_at=_later(last, len(vendor.calls)))
            )
            if len(vendor.calls) < 4
            else None
        )
        found = Counter(row["id"] for page in History(client).sessions(of(vendor)[0]) for row in page.rows)
    assert before <= found.keys()
    assert set(found.values()) == {1}


def _later(at: datetime, seconds: int) -> datetime:
    return at + timedelta(seconds=seconds + 1)


def test_a_list_can_be_taken_up_at_a_page(client: VendorClient) -> None:
    with FakeVendor(World([MANY])) as vendor:
        pages = list(History(client, per_page=50).participants(of(vendor)[1], "many", from_page=2))
        assert [(page.number, len(page.rows), page.is_last) for page in pages] == [(2, 50, False), (3, 20, True)]


def test_live_sessions_and_those_of_a_time_can_be_asked_for(client: VendorClient) -> None:
    world = made_up(random.Random(5), 20)
    at = NINE + timedelta(hours=1)
    live = {one.id for one in world.sessions if one.started_at <= at and (one.ended_at is None or one.ended_at > at)}
    with FakeVendor(world) as vendor:
        vendor.as_of = at
        for credentials in of(vendor):
            assert ids(History(client).sessions(credentials, is_live=True)) == live
            since, until = NINE + timedelta(minutes=10), NINE + timedelta(minutes=40)
            expected = {one.id for one in world.sessions if since <= one.started_at <= until}
            assert ids(History(client).sessions(credentials, since, until)) == expected


def test_no_storage_secret_is_in_what_arrives(client: VendorClient) -> None:
    with FakeVendor(made_up(random.Random(5), 20)) as vendor:
        pages = list(History(client).recordings(of(vendor)[0], None, None))
    assert any(page.rows for page in pages)
    assert "never-to-be-kept" not in repr(pages)
