"""What doctor says of the vendor's API."""

import random
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from console.checks.finding import Finding, Health
from console.checks.vendor import check_vendor
from tests.vendor_api.fake_vendor import API_KEY, API_TOKEN, FakeVendor
from tests.vendor_api.switches import Fault
from tests.vendor_api.world import ORGANIZATION, made_up
from workers.reading.scope import Scope
from workers.settling.settle import settle

APPS = ["app-1", "app-2"]


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    world = made_up(random.Random(3), 3, datetime.now(UTC) - timedelta(days=1))
    with FakeVendor(world, apps=dict.fromkeys(APPS, ORGANIZATION)) as started:
        yield started


def findings(vendor: FakeVendor, database_url: str, **more: str) -> list[Finding]:
    environment = {**vendor.environment(), "DATABASE_URL": database_url, "VENDOR_CALLS_PER_SECOND": "200", **more}
    found = list(check_vendor(environment))
    for secret in (API_KEY, API_TOKEN):
        assert all(secret not in one.says for one in found)
    return found


def test_without_credentials_it_says_that_losses_stay(database_url: str) -> None:
    [finding] = check_vendor({"DATABASE_URL": database_url})
    assert finding.health is Health.GOOD
    assert "docs/vendor-api.md" in finding.says


def test_each_credential_that_works_has_a_line(vendor: FakeVendor, database_url: str) -> None:
    found = findings(vendor, database_url)
    assert [one.health for one in found] == [Health.GOOD] * 3
    assert [one.says for one in found] == [
        f"dyte organization {ORGANIZATION} works",
        "realtimekit app app-1 works",
        "realtimekit app app-2 works",
    ]
    assert len(vendor.calls) == 3


def test_those_that_are_refused_fail_and_those_that_are_away_are_doubtful(
    vendor: FakeVendor, database_url: str
) -> None:
    vendor.refused = {ORGANIZATION: 401}
    vendor.on_call = lambda _: setattr(vendor, "faults", [Fault(502)] if len(vendor.calls) == 1 else [])
    refused, away, works = findings(vendor, database_url)
    assert (refused.health, "DYTE_API_KEY" in refused.says) == (Health.BAD, True)
    assert (away.health, "app-1" in away.says, "502" in away.says) == (Health.DOUBTFUL, True, True)
    assert works.health is Health.GOOD
    assert len(vendor.calls) == 3


def test_settings_that_are_half_set_fail(vendor: FakeVendor, database_url: str) -> None:
    environment = {**vendor.environment(), "DATABASE_URL": database_url}
    del environment["DYTE_API_KEY"]
    [finding] = check_vendor(environment)
    assert (finding.health, "DYTE_API_KEY is not set" in finding.says) == (Health.BAD, True)


def test_a_pause_of_all_calls_is_not_waited_for(vendor: FakeVendor, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO rollcall.vendor_pace VALUES (%s, now(), now() + interval '5 minutes')",
            [f"dyte:{ORGANIZATION}"],
        )
    [waits, *_] = findings(vendor, database_url)
    assert (waits.health, "lets it wait" in waits.says) == (Health.DOUBTFUL, True)
    assert "dyte" not in {call.dialect for call in vendor.calls}


def test_without_a_database_nothing_is_asked(vendor: FakeVendor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    [finding] = findings(vendor, f"postgresql://127.0.0.1:{port}/none")
    assert finding.health is Health.DOUBTFUL
    assert vendor.calls == []


def test_other_organizations_in_webhooks_than_in_the_api_are_warned_of(vendor: FakeVendor, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        settle(connection, vendor.world.deliveries(), Scope())
    assert all(one.health is Health.GOOD for one in findings(vendor, database_url))
    vendor.switches.organization_id = "credentials"
    environment = {**vendor.environment(dyte=False), "DATABASE_URL": database_url, "VENDOR_CALLS_PER_SECOND": "200"}
    *works, warned = check_vendor(environment)
    assert [one.health for one in works] == [Health.GOOD, Health.GOOD]
    assert (warned.part, warned.health) == ("organizations", Health.DOUBTFUL)
    assert f"name {ORGANIZATION}, the API's credentials and answers app-1, app-2" in warned.says


def test_an_organization_that_is_not_admitted_is_warned_of(vendor: FakeVendor, database_url: str) -> None:
    *_, warned = findings(vendor, database_url, ORGANIZATION_IDS=f"{ORGANIZATION},app-1")
    assert warned.health is Health.DOUBTFUL
    assert "ORGANIZATION_IDS does not hold app-2" in warned.says
    admitted = findings(vendor, database_url, ORGANIZATION_IDS=f"{ORGANIZATION},app-1,app-2")
    assert all(one.health is Health.GOOD for one in admitted)
