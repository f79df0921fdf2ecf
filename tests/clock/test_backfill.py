"""After a backfill the tables are those of a world in which nothing was lost, whatever the vendor's API is like."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.clock.asking import DAY, Desk, desk
from tests.meaning.tables import Connection
from tests.meaning.work import connect
from tests.vendor_api.fake_vendor import FakeVendor
from tests.vendor_api.observing import EVERYTHING, TOLD, state
from tests.vendor_api.switches import Switches
from tests.vendor_api.test_observing import forget, lossy, settings_of_worlds, work
from tests.vendor_api.world import NINE, World, made_up
from vendor_api.credentials import Credentials
from vendor_api.errors import VendorAwayError
from workers.queue.delivery import Delivery
from workers.queue.observation import Answers


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        yield connection


def some_switches(chance: random.Random) -> Switches:
    """A vendor as nobody publishes it, but one that tells connections apart."""
    values: dict[str, list[Any]] = {
        "details": ["nested", "flat"],
        "paging": ["beside", "inside", "nowhere"],
        "order": ["ASC", "DESC"],
        "ended_at": ["absent", "null", "text", "empty"],
        "left_at": ["absent", "null", "text", "empty"],
        "has_stray_quotes": [False, True],
        "rows": ["connections", "persons"],
        "organization_id": ["webhooks", "absent"],
        "repeats_participant": [False, True],
        "shifts": [False, True],
    }
    return Switches(**{name: chance.choice(choices) for name, choices in values.items()})


def forget_all(connection: Connection) -> None:
    forget(connection)
    connection.execute("TRUNCATE rollcall.reconciliations, rollcall.vendor_pace")


def ask_for_all(at: Desk) -> int:
    """Backfill all credentials; return how many sessions were asked about."""
    work_ = at.backfill()
    for credentials in at.settings.credentials:
        work_.all(credentials, NINE - DAY, None)
    assert work_.unsettled() == 0
    return work_.asker.told.sessions


def test_what_was_lost_is_filled_while_webhooks_come_in(connection: Connection, database_url: str) -> None:
    @settings_of_worlds
    @given(seed=st.integers(0, 2**32))
    @example(seed=31908)  # a page fuller than asked for, then a session whose first page is as full as asked for
    def check(seed: int) -> None:
        chance = random.Random(seed)
        world = made_up(chance, 8)
        forget_all(connection)
        work(connection, world.deliveries())
        wanted = state(connection, TOLD)
        forget_all(connection)
        batches = lossy(world, chance)
        meanwhile = batches[len(batches) // 2 :]
        for batch in batches[: len(batches) // 2]:
            work(connection, batch)
        is_dyte = chance.random() < 0.5
        with (
            FakeVendor(world, some_switches(chance)) as vendor,
            desk(database_url, vendor, dyte=is_dyte, realtimekit=not is_dyte) as at,
        ):
            vendor.on_call = lambda _path: work(connection, meanwhile.pop()) if meanwhile else None
            assert ask_for_all(at) == len(world.sessions)
            for batch in meanwhile:
                work(connection, batch)
            assert without_organization(state(connection, TOLD)) == without_organization(wanted)
            once, calls = state(connection, EVERYTHING), len(vendor.calls)
            assert ask_for_all(at) == 0
            assert state(connection, EVERYTHING) == once
            assert not [call for call in vendor.calls[calls:] if "/participants" in call.path]

    check()


def without_organization(tables: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """RealtimeKit's API may call the organization what events don't, where no event names it."""
    return {
        name: sorted(({key: value for key, value in row.items() if key != "organization_id"} for row in rows), key=str)
        for name, rows in tables.items()
    }


def test_capture_says_exactly_what_was_lost(connection: Connection, database_url: str) -> None:
    @settings_of_worlds
    @given(seed=st.integers(0, 2**32))
    def check(seed: int) -> None:
        chance = random.Random(seed)
        world = made_up(chance, 5)
        forget_all(connection)
        came = [one for one in world.deliveries() if chance.random() < 0.6]
        work(connection, came)
        with FakeVendor(world) as vendor, desk(database_url, vendor) as at:
            ask_for_all(at)
        names = (
            *("sessions", "sessions_by_webhook", "starts_by_webhook", "ends_by_webhook", "joins", "joins_by_webhook"),
            *("leaves", "leaves_by_webhook", "recordings", "recordings_by_webhook"),
        )
        sums = ", ".join(f"sum({name})::bigint" for name in names)
        [row] = connection.execute(f"SELECT {sums} FROM rollcall.capture".encode()).fetchall()
        assert dict(zip(names, row, strict=True)) == lost(world, came)
        drift = connection.execute("SELECT DISTINCT verdict FROM rollcall.session_drift").fetchall()
        assert drift == [("equal",)]

    check()


def lost(world: World, came: list[Delivery]) -> dict[str, int]:
    """What the view has to say: of each session what any of its events that came states."""
    counts = dict.fromkeys(
        (
            *("sessions", "sessions_by_webhook", "starts_by_webhook", "ends_by_webhook", "joins", "joins_by_webhook"),
            *("leaves", "leaves_by_webhook", "recordings", "recordings_by_webhook"),
        ),
        0,
    )
    for session in world.sessions:
        bodies = [one.body.decode() for one in came if f'"sessionId": "{session.id}"' in one.body.decode()]
        counts["sessions"] += 1
        counts["sessions_by_webhook"] += bool(bodies)
        # Each event states the start; only the session's end states the end.
        counts["starts_by_webhook"] += bool(bodies)
        counts["ends_by_webhook"] += any('"meeting.ended"' in body for body in bodies)
        for one in session.connections:
            of_peer = [body for body in bodies if f'"{one.peer_id}"' in body]
            counts["joins"] += 1
            counts["leaves"] += 1
            counts["joins_by_webhook"] += bool(of_peer)
            counts["leaves_by_webhook"] += any("participantLeft" in body for body in of_peer)
        for recording in session.recordings:
            counts["recordings"] += 1
            counts["recordings_by_webhook"] += any(f'"id": "{recording.id}"' in body for body in bodies)
    return counts


def test_what_is_broken_off_goes_on_at_its_page(connection: Connection, database_url: str) -> None:
    world = made_up(random.Random(3), 9)
    with FakeVendor(world) as vendor, desk(database_url, vendor) as at:
        first = at.backfill()
        whole, left = at.publish, [12]

        def publish(answers: Answers) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise VendorAwayError("the queue is gone")
            whole(answers)

        first.asker._publish = publish  # noqa: SLF001 - where it breaks off
        with pytest.raises(VendorAwayError):
            first.all(at.credentials, NINE - DAY, None)
        before = len(vendor.calls)
        [(page,)] = connection.execute("SELECT page FROM rollcall.reconciliations").fetchall()
        assert page > 1
        again = at.backfill()
        again.all(at.credentials, NINE - DAY, None)
        lists = [call.query["page_no"] for call in vendor.calls[before:] if call.path == "/sessions"]
        assert lists[0] == str(page)
        asked_twice = {one for one in first.asker.asked if one in again.asker.asked}
        assert len(asked_twice) <= 1
    assert connection.execute("SELECT count(*) FROM rollcall.sessions").fetchone() == (9,)


def test_two_backfills_of_one_organization_do_not_run_at_once(database_url: str) -> None:
    with (
        FakeVendor(made_up(random.Random(3), 3)) as vendor,
        desk(database_url, vendor) as at,
        desk(database_url, vendor) as other,
    ):
        failed: list[str] = []

        def try_as_well(path: str) -> None:
            if path == "/sessions" and not failed:
                vendor.on_call = None
                with pytest.raises(Exception, match="Another backfill") as refused:
                    other.backfill().all(other.credentials, NINE - DAY, None)
                failed.append(str(refused.value))

        vendor.on_call = try_as_well
        at.backfill().all(at.credentials, NINE - DAY, None)
        assert failed


def test_a_dry_run_asks_for_the_list_alone(connection: Connection, database_url: str) -> None:
    with FakeVendor(made_up(random.Random(3), 7)) as vendor, desk(database_url, vendor) as at:
        assert at.backfill().due(at.credentials, NINE - DAY, None) == 7
        assert {call.path for call in vendor.calls} == {"/sessions"}
    assert connection.execute("SELECT count(*) FROM rollcall.observations").fetchone() == (0,)


def test_rows_that_nothing_tells_apart_say_so(connection: Connection, database_url: str) -> None:
    world = made_up(random.Random(8), 20)
    switches = Switches(rows="persons", has_peer_events=False)
    with FakeVendor(world, switches) as vendor, desk(database_url, vendor) as at:
        ask_for_all(at)
    [(spanning,)] = connection.execute("SELECT count(*) FROM rollcall.participants WHERE spans_connections").fetchall()
    assert spanning > 0


def test_no_secret_and_no_credential_is_in_any_row(connection: Connection, database_url: str) -> None:
    with FakeVendor(made_up(random.Random(3), 6)) as vendor, desk(database_url, vendor, realtimekit=True) as at:
        ask_for_all(at)
        secrets = ["never-to-be-kept", "storage_config", *(_secret(one) for one in at.settings.credentials)]
    for table in ("observations", "recordings", "timeline", "reconciliations", "vendor_pace", "lookups"):
        text = str(connection.execute(f"SELECT * FROM rollcall.{table}".encode()).fetchall())
        assert not [secret for secret in secrets if secret in text]


def _secret(credentials: Credentials) -> str:
    return credentials.authorization.partition(" ")[2]
