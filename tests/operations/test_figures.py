"""The metrics that operators alert on, read from a real receiver and a real worker."""

import json
import socket
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.operations.scrape import Samples, scrape, value
from tests.processes import ROOT, System, free_port, run_system
from tests.receiver.running import wait_until

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PAYLOADS = ROOT / "tests" / "payloads" / "dyte"
STARTED = (PAYLOADS / "01-meeting.started.json").read_bytes()
OF_ANOTHER_KIND = STARTED.replace(b"meeting.started", b"meeting.somethingNew")
UNREADABLE = b"this is no JSON"


def ledger(samples: Samples) -> dict[str, float | None]:
    """The deliveries by status."""
    statuses = ("processed", "repeat", "unknown", "foreign", "quarantined")
    return {status: value(samples, "rollcall_deliveries_total", status=status) for status in statuses}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_delivery_is_counted_on_its_way_and_can_be_followed_in_the_logs(
    tmp_path: Path, database_url: str
) -> None:
    port = free_port()
    organization = json.loads(STARTED)["meeting"]["organizedBy"]["id"]
    foreign = STARTED.replace(organization.encode(), b"somebody-else")
    with run_system(tmp_path, database_url, METRICS_PORT=str(port), ORGANIZATION_IDS=organization) as system:
        for number, body in enumerate([STARTED, STARTED, OF_ANOTHER_KIND, foreign, UNREADABLE]):
            assert system.post(body, "dyte", f"uuid-{number}").status == 200
            # Were the copy settled before the first, both would have been counted as processed in their turn.
            system.wait_for(number + 1)
        assert system.receiver.post(STARTED).status == 401
        expected = {"processed": 1.0, "repeat": 1.0, "unknown": 1.0, "foreign": 1.0, "quarantined": 1.0}
        wait_until(lambda: ledger(scrape(port + 1)).get("quarantined") == 1.0, "the worker has counted")
        assert_counted(scrape(port), scrape(port + 1), system)
        assert ledger(scrape(port + 1)) == expected
        wait_until(
            lambda: (
                value(scrape(port + 1), "rollcall_queue_messages") == 0.0
                and value(scrape(port + 1), "rollcall_oldest_delivery_seconds") == 0.0
            ),
            "the queue is seen to be empty",
        )
    kept = [
        one for line in lines(system.log("receiver")) if line["event"] == "group_kept" for one in line["deliveries"]
    ]
    settled = lines(system.log("workers"))
    assert len(kept) == 5
    assert sorted(kept) == sorted(
        one for line in settled if line["event"] == "group_settled" for one in line["deliveries"]
    )
    [quarantined] = [line for line in settled if line["event"] == "delivery_quarantined"]
    assert quarantined["delivery_id"] in kept
    assert quarantined["reason"] == "the body is not JSON"
    assert quarantined["message_id"]


def assert_counted(receiver: Samples, worker: Samples, system: System) -> None:
    assert value(receiver, "rollcall_accepted_total", provider="dyte") == 5.0
    assert value(receiver, "rollcall_refused_total", reason="no_signature") == 1.0
    assert value(receiver, "rollcall_refused_total", reason="not_kept") == 0.0, "shown before it happens"
    assert value(receiver, "rollcall_queue_trusted") == 1.0
    assert value(receiver, "rollcall_spooled_deliveries") == 0.0
    assert value(receiver, "rollcall_keys") == 1.0
    assert value(worker, "rollcall_settled_total") == 5.0
    assert value(worker, "rollcall_redelivered_total") == 0.0
    assert value(worker, "rollcall_database_up") == 1.0
    assert value(worker, "rollcall_queue_up") == 1.0
    assert system.receiver.ask("GET", "/metrics").status == 404


def test_a_taken_metrics_port_is_a_warning_of_the_worker(tmp_path: Path, database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with run_system(tmp_path, database_url, METRICS_PORT=str(port - 1)) as system:
            assert system.post(STARTED, "dyte", "uuid").status == 200
            system.wait_for(1)
        assert "metrics_port_taken" in system.log("workers").read_text()


def test_what_the_spool_holds_is_counted_once_though_several_processes_share_the_folder(
    tmp_path: Path, database_url: str
) -> None:
    port = free_port()
    nowhere = f"postgresql://127.0.0.1:{free_port()}/nowhere"
    system = System(tmp_path, database_url, KEY, {"BROKER_URL": nowhere, "METRICS_PORT": str(port)})
    receiver = system.start("receiver", "--processes", "2")
    try:
        wait_until(system.is_ready, "the receiver is ready", seconds=60)
        for number in range(12):
            assert system.post(STARTED, "dyte", f"uuid-{number}").status == 200
        wait_until(
            lambda: value(scrape(port), "rollcall_spooled_deliveries") == 12.0, "all that is spooled is shown once"
        )
        assert value(scrape(port), "rollcall_spool_damaged_files") == 0.0
        assert (value(scrape(port), "rollcall_spool_bytes") or 0) > 0
        assert (value(scrape(port), "rollcall_spool_oldest_seconds") or 0) > 0
        wait_until(lambda: value(scrape(port), "rollcall_queue_trusted") == 0.0, "the queue is seen to be given up")
    finally:
        receiver.terminate()
        receiver.wait(30)


def test_several_processes_of_a_worker_add_up(tmp_path: Path, database_url: str) -> None:
    port = free_port()
    system = System(tmp_path, database_url, KEY, {"METRICS_PORT": str(port)})
    parts = [system.start("receiver"), system.start("workers", "--processes", "2")]
    try:
        wait_until(system.is_ready, "the receiver is ready", seconds=60)
        with psycopg.connect(database_url, autocommit=True) as connection:
            wait_until(
                lambda: connection.execute("SELECT count(*) FROM rollcall_queue.worker").fetchone() == (2,),
                "both processes take from the queue",
                seconds=60,
            )
            with connection.transaction():
                # Nothing can be settled in here: what is in hand grows old.
                connection.execute("LOCK TABLE rollcall.deliveries IN ACCESS EXCLUSIVE MODE")
                for number in range(10):
                    body = STARTED.replace(b"meeting.started", b"meeting.kind-%d" % number)
                    assert system.post(body, "dyte", f"uuid-{number}").status == 200
                wait_until(
                    lambda: (value(scrape(port + 1), "rollcall_oldest_delivery_seconds") or 0) > 1,
                    "the age of what waits is shown",
                )
        system.wait_for(10)
        wait_until(lambda: value(scrape(port + 1), "rollcall_settled_total") == 10.0, "all is counted, by whichever")
        assert ledger(scrape(port + 1))["unknown"] == 10.0
        wait_until(lambda: value(scrape(port + 1), "rollcall_oldest_delivery_seconds") == 0.0, "nothing waits any more")
        assert value(scrape(port + 1), "rollcall_database_up") == 1.0
    finally:
        for part in parts:
            part.terminate()
        for part in parts:
            part.wait(30)
