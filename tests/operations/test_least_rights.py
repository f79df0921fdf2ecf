"""Every process under exactly the rights that docs/operations.md lists, by the statements that stand there."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from console.checks.database import check_database
from console.checks.finding import Health
from console.embedded.server import EmbeddedPostgres
from console.trials.server import TrialServer
from migrations.apply import migrate_database
from tests.console.commands.messages import KEY, endpoint
from tests.console.conftest import Rollcall, folder, rollcall  # noqa: F401 - fixtures
from tests.console.pages.running import running_console
from tests.operations.scrape import scrape, value
from tests.processes import ROOT, run_system
from tests.workers.queue.deliveries import wait_until
from tests.workers.running.refusing import joined, started

ROLES = (
    "rollcall_owner",
    "rollcall_receiver",
    "rollcall_worker",
    "rollcall_automations",
    "rollcall_clock",
    "rollcall_console",
    "rollcall_reader",
)


def statements_of_the_docs() -> list[str]:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = page[page.index("\n## Rights\n") :]
    return re.findall(r"```sql\n(.*?)```", section[: section.index("\n## A half")], re.DOTALL)


@pytest.fixture
def urls(embedded_postgres: EmbeddedPostgres, empty_database_url: str) -> Iterator[dict[str, str]]:
    """The URL of each role, on a database where an administrator did what the page says, and the owner migrated."""
    of_roles = {role: empty_database_url.replace("rollcall@", f"{role}@", 1) for role in ROLES}
    made, granted = statements_of_the_docs()
    with psycopg.connect(empty_database_url, autocommit=True) as administrator:
        name = administrator.info.dbname
        administrator.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC".encode())
        administrator.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        administrator.execute(made.encode())
        try:
            for role in ROLES:
                if role != "rollcall_owner":
                    administrator.execute(f"CREATE ROLE {role} LOGIN".encode())
                administrator.execute(f"GRANT CONNECT ON DATABASE {name} TO {role}".encode())
            migrate_database(of_roles["rollcall_owner"])
            administrator.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA rollcall FROM PUBLIC")
            administrator.execute(re.sub("CREATE ROLE .*", "", granted).encode())
            yield of_roles
        finally:
            for role in reversed(ROLES):
                administrator.execute(f"DROP OWNED BY {role} CASCADE".encode())
                administrator.execute(f"DROP ROLE {role}".encode())


def test_each_process_does_its_work_under_the_rights_that_are_listed(
    tmp_path: Path,
    rollcall: Rollcall,  # noqa: F811 - the fixture
    urls: dict[str, str],
    empty_database_url: str,
) -> None:
    owner, receiver = urls["rollcall_owner"], urls["rollcall_receiver"]
    worker, reader = urls["rollcall_worker"], urls["rollcall_reader"]
    with (
        run_system(tmp_path, worker, receiver_url=receiver) as system,
        psycopg.connect(empty_database_url, autocommit=True) as administrator,
    ):
        for number in range(10):
            for body in (started(f"s-{number}").body, joined(f"s-{number}", "peer").body) * 2:
                assert system.post(body, "dyte", f"uuid-{number}").status == 200
        ledger = "SELECT count(*) FROM rollcall.deliveries"
        wait_until(lambda: administrator.execute(ledger).fetchone() == (40,))
        wait_until(lambda: administrator.execute("SELECT FROM rollcall_queue.queue").fetchone() is None)
        assert "refuses" not in system.log("workers").read_text()
    assert "Replayed 40 deliveries" in rollcall("replay", "--all", DATABASE_URL=worker).stdout
    for command in (
        ["sessions"],
        ["timeline", "s-9"],
        ["deliveries"],
        ["export", "sessions"],
        ["export", "attendance"],
    ):
        done = rollcall(*command, DATABASE_URL=reader)
        assert (done.returncode, done.stderr) == (0, "")
        assert "s-9" in done.stdout
    assert all(finding.health is Health.GOOD for finding in check_database({"DATABASE_URL": worker}))
    assert rollcall("migrate", DATABASE_URL=owner).returncode == 0


def test_a_role_that_may_read_may_not_write(
    rollcall: Rollcall,  # noqa: F811 - the fixture
    urls: dict[str, str],
) -> None:
    done = rollcall("migrate", DATABASE_URL=urls["rollcall_reader"])
    assert done.returncode == 1
    with psycopg.connect(urls["rollcall_receiver"]) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT FROM rollcall.deliveries")


def test_messages_are_made_sent_and_cleaned_up_under_the_rights_that_are_listed(
    tmp_path: Path, urls: dict[str, str], empty_database_url: str
) -> None:
    with TrialServer(0, lambda *_: HTTPStatus.NO_CONTENT) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        endpoint(urls["rollcall_worker"], f"http://127.0.0.1:{server.server_port}/")
        settings = {"SECRETS_KEY": KEY, "AUTOMATIONS_ALLOW": "127.0.0.1/32", "SETTLE_AFTER": "0"}
        with (
            run_system(tmp_path, urls["rollcall_worker"], receiver_url=urls["rollcall_receiver"], **settings) as system,
            psycopg.connect(empty_database_url, autocommit=True) as administrator,
        ):
            others = [
                system.start(module, DATABASE_URL=urls[f"rollcall_{module}"]) for module in ("automations", "clock")
            ]
            try:
                assert system.post(started("s-1").body, "dyte", "uuid-1").status == 200
                delivered = "SELECT FROM rollcall.message_deliveries WHERE status = 'delivered'"
                wait_until(lambda: administrator.execute(delivered).fetchone() is not None)
                done = "rollcall_clock_job_done_timestamp_seconds"
                port = int(system.environment["METRICS_PORT"]) + 2
                wait_until(lambda: value(scrape(port), done, job="cleaning") is not None)
            finally:
                for process in others:
                    process.terminate()
                    process.wait(30)
        server.shutdown()
    log = system.log("automations").read_text() + system.log("clock").read_text()
    assert "permission denied" not in log
    assert "_waits" not in log
    assert "failed" not in log


def test_the_web_console_shows_every_page_under_its_rights(urls: dict[str, str], tmp_path: Path) -> None:
    with running_console(urls["rollcall_console"], tmp_path) as console:
        for page in ("/", "/sessions", "/deliveries", "/people/student-1", "/usage", "/automations", "/health"):
            console.get(page)
