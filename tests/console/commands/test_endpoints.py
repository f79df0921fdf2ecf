"""`rollcall endpoints` on real tables."""

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import psycopg
import pytest

from automations.secrets_key import ensure_key_file
from tests.console.commands.messages import KEY, RING, attempt, endpoint, meant_for, message
from tests.console.conftest import Rollcall


def rows_of(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def secrets_in(url: str) -> list[str]:
    found = rows_of(url, "SELECT secret FROM rollcall.endpoint_secrets ORDER BY created_at")
    return [RING.decrypt(token) for (token,) in found]


def test_an_endpoint_is_added_as_the_options_say(rollcall_here: Rollcall, database_url: str) -> None:
    done = rollcall_here(
        *("endpoints", "add", "HTTPS://Hooks.Example.com:443/r?token=1", "--name", "CRM \x1b[2J"),
        *("--types", "session.*, recording.uploaded", "--organization", "o1", "--organization", "o2"),
        *("--meeting", "m1", "--order", "session", "--max-in-flight", "3", "--rate", "2.5", "--body", "thin"),
        *("--schedule", "5s,5m,2h", "--json"),
        DATABASE_URL=database_url,
        SECRETS_KEY=KEY,
        ORGANIZATION_IDS="o1",
    )
    assert (done.returncode, done.stderr) == (0, "")
    [added] = json.loads(done.stdout)
    expected = {
        "name": "CRM \x1b[2J",
        "url": "https://hooks.example.com/r?token=1",
        "types": ["session.*", "recording.uploaded"],
        "organization_ids": ["o1", "o2"],
        "meeting_ids": ["m1"],
        "status": "enabled",
        "order_by": "session",
        "max_in_flight": 3,
        "rate": 2.5,
        "body": "thin",
        "schedule": [5, 300, 7200],
    }
    assert expected.items() <= added.items()
    assert secrets_in(database_url) == [added["secret"]]
    assert len(b64decode(added["secret"].removeprefix("whsec_"))) == 32
    assert added["secret"] not in str(rows_of(database_url, "SELECT secret FROM rollcall.endpoint_secrets"))


def test_the_secret_is_printed_once_and_a_warning_says_that_anyones_events_may_come(
    rollcall_here: Rollcall, database_url: str
) -> None:
    done = rollcall_here("endpoints", "add", "https://example.com", DATABASE_URL=database_url, SECRETS_KEY=KEY)
    assert done.returncode == 0
    assert "ORGANIZATION_IDS is not set" in done.stderr
    [secret] = secrets_in(database_url)
    assert done.stdout.count(secret) == 1
    for arguments in (["list"], ["list", "--json"], ["show", "example.com"], ["show", "example.com", "--json"]):
        shown = rollcall_here("endpoints", *arguments, DATABASE_URL=database_url, SECRETS_KEY=KEY)
        assert shown.returncode == 0
        assert "https://example.com/" in shown.stdout
        assert "whsec_" not in shown.stdout


def test_without_a_key_nothing_is_added_and_a_fresh_key_is_printed_that_works(
    rollcall_here: Rollcall, database_url: str
) -> None:
    done = rollcall_here("endpoints", "add", "https://example.com", DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert rows_of(database_url, "SELECT id FROM rollcall.endpoints") == []
    key = done.stderr.strip().rpartition("SECRETS_KEY=")[2]
    again = rollcall_here("endpoints", "add", "https://example.com", DATABASE_URL=database_url, SECRETS_KEY=key)
    assert again.returncode == 0
    assert len(rows_of(database_url, "SELECT secret FROM rollcall.endpoint_secrets")) == 1


def test_the_embedded_postgres_has_its_own_key_and_sends_to_this_machine(
    rollcall_here: Rollcall, database_url: str, folder: Path
) -> None:
    ensure_key_file(folder / "var" / "secrets-key")
    (folder / "var" / "database-url").write_text(database_url)
    for place in ("http://127.0.0.1:9999", "http://localhost:9999/a", "http://[::1]:9999"):
        assert rollcall_here("endpoints", "add", place).returncode == 0
    assert rollcall_here("endpoints", "add", "http://10.0.0.1/").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["https://user:geheim@example.com"], "holds a user or a password"),
        (["https://user@example.com"], "holds a user or a password"),
        (["ftp://example.com"], "none that can be posted to"),
        (["https://"], "none that can be posted to"),
        (["example.com"], "none that can be posted to"),
        (["https://example.com:x/"], "none that can be posted to"),
        (["https://example.com/\x1b[2J"], "none that can be posted to"),
        (["https://example.com/#a"], "fragment"),
        (["http://127.0.0.1:9999"], "AUTOMATIONS_ALLOW"),
        (["http://10.1.2.3"], "AUTOMATIONS_ALLOW"),
        (["https://10.1.2.3"], "AUTOMATIONS_ALLOW"),
        (["https://[::ffff:169.254.169.254]/latest"], "not a public address"),
        (["http://93.184.216.34"], "https"),
        (["https://example.com", "--types", "sesion.*"], "sesion.*"),
        (["https://example.com", "--schedule", "soon"], "waits before each retry"),
    ],
)
def test_what_can_not_be_sent_to_is_refused_in_a_line_that_does_not_show_a_password(
    rollcall_here: Rollcall, database_url: str, arguments: list[str], says: str
) -> None:
    done = rollcall_here("endpoints", "add", *arguments, DATABASE_URL=database_url, SECRETS_KEY=KEY)
    assert done.returncode in {1, 2}
    assert says in done.stderr
    assert "geheim" not in done.stderr
    assert "\x1b" not in done.stderr
    assert rows_of(database_url, "SELECT id FROM rollcall.endpoints") == []


def test_http_leads_only_to_the_networks_that_are_opened(rollcall_here: Rollcall, database_url: str) -> None:
    settings = {"DATABASE_URL": database_url, "SECRETS_KEY": KEY, "AUTOMATIONS_ALLOW": "127.0.0.0/8,::1/128,10.0.0.0/8"}
    assert rollcall_here("endpoints", "add", "http://localhost:5678/webhook/1", **settings).returncode == 0
    assert rollcall_here("endpoints", "add", "http://10.1.2.3/", **settings).returncode == 0
    assert rollcall_here("endpoints", "add", "http://192.168.1.1/", **settings).returncode == 1


def test_a_url_is_sent_to_once(rollcall_here: Rollcall, database_url: str) -> None:
    known = endpoint(database_url, "https://example.com/hook")
    done = rollcall_here("endpoints", "add", "https://EXAMPLE.com:443/hook", DATABASE_URL=database_url, SECRETS_KEY=KEY)
    assert done.returncode == 1
    assert known in done.stderr
    assert len(secrets_in(database_url)) == 1


def test_a_secret_of_ones_own_comes_from_stdin(rollcall_here: Rollcall, database_url: str) -> None:
    own = "whsec_" + b64encode(b"k" * 24).decode()
    settings = {"DATABASE_URL": database_url, "SECRETS_KEY": KEY}
    done = rollcall_here("endpoints", "add", "https://example.com", "--secret-stdin", stdin=f"{own}\n", **settings)
    assert done.returncode == 0, done.stderr
    assert secrets_in(database_url) == [own]
    done = rollcall_here(
        "endpoints", "add", "https://example.com/2", "--secret-stdin", stdin="much too short\n", **settings
    )
    assert done.returncode == 1
    assert "much too short" not in done.stdout + done.stderr


def test_a_rotation_keeps_the_secret_before_until_the_grace_is_over(rollcall_here: Rollcall, database_url: str) -> None:
    endpoint_id = endpoint(database_url)
    settings = {"DATABASE_URL": database_url, "SECRETS_KEY": KEY}
    [first] = secrets_in(database_url)
    done = rollcall_here("endpoints", "rotate", endpoint_id, "--json", **settings)
    [rotated] = json.loads(done.stdout)
    assert secrets_in(database_url) == [first, rotated["secret"]]
    [(before,), (now,)] = rows_of(
        database_url, "SELECT expires_at - now() FROM rollcall.endpoint_secrets ORDER BY created_at"
    )
    assert now is None
    assert 23 < before.total_seconds() / 3600 <= 24
    assert rollcall_here("endpoints", "rotate", endpoint_id, "--grace", "0", **settings).returncode == 0
    assert len(secrets_in(database_url)) == 1
    assert not {first, rotated["secret"]} & set(secrets_in(database_url))


def test_a_list_says_how_endpoints_fare_and_show_what_failed(rollcall_here: Rollcall, database_url: str) -> None:
    fails = endpoint(database_url, "https://example.com/1", name="CRM \x1b[2J")
    endpoint(database_url, "https://example.com/2", name="mail")
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE rollcall.endpoint_states SET failing_since = now() WHERE endpoint_id = %s", [fails])
    ids = [message(database_url, number, session_id="s1") for number in range(4)]
    meant_for(database_url, ids[0], fails, attempts=1)
    meant_for(database_url, ids[1], fails, next_attempt_at="infinity")
    meant_for(database_url, ids[2], fails, "held", reason="old")
    meant_for(database_url, ids[3], fails, "given_up", reason="schedule")
    attempt(database_url, ids[0], fails, 1)
    attempt(database_url, ids[0], fails, 2, status=503, error="answered 503")
    done = rollcall_here("endpoints", "list", DATABASE_URL=database_url)
    _, first, second = done.stdout.splitlines()
    assert first.split() == [fails, "CRM", "�[2J", "failing", "2", "1", "1", "-", "https://example.com/1"]
    assert second.split()[1:] == ["mail", "enabled", "0", "0", "0", "-", "https://example.com/2"]
    shown = rollcall_here("endpoints", "show", fails[:8], DATABASE_URL=database_url).stdout
    assert "answered 503" in shown
    assert "answered 500" not in shown
    assert "\x1b" not in shown


def test_an_endpoint_is_found_by_name_url_or_the_start_of_its_id(rollcall_here: Rollcall, database_url: str) -> None:
    endpoint_id = endpoint(database_url, "https://example.com/1", name="mail")
    endpoint(database_url, "https://example.com/2", name="mail")
    for asked in (endpoint_id, endpoint_id.removeprefix("ep_")[:6], "https://example.com/1"):
        [found] = json.loads(rollcall_here("endpoints", "show", asked, "--json", DATABASE_URL=database_url).stdout)
        assert found["id"] == endpoint_id
    several = rollcall_here("endpoints", "show", "mail", DATABASE_URL=database_url)
    assert several.returncode == 1
    assert endpoint_id in several.stderr
    assert rollcall_here("endpoints", "show", "crm", DATABASE_URL=database_url).returncode == 1


def test_removing_takes_all_of_one_endpoint_and_nothing_of_others(rollcall_here: Rollcall, database_url: str) -> None:
    gone, stays = endpoint(database_url, "https://example.com/1"), endpoint(database_url, "https://example.com/2")
    message_id = message(database_url, 1)
    for endpoint_id in (gone, stays):
        meant_for(database_url, message_id, endpoint_id)
        attempt(database_url, message_id, endpoint_id)
    done = rollcall_here("endpoints", "remove", gone, DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    for table, column in (
        ("endpoints", "id"),
        ("endpoint_states", "endpoint_id"),
        ("endpoint_secrets", "endpoint_id"),
        ("message_deliveries", "endpoint_id"),
        ("attempts", "endpoint_id"),
    ):
        assert rows_of(database_url, f"SELECT {column} FROM rollcall.{table}") == [(stays,)]
    assert rows_of(database_url, "SELECT id FROM rollcall.messages") == [(message_id,)]


def test_secrets_move_to_the_first_key(rollcall_here: Rollcall, database_url: str) -> None:
    endpoint(database_url)
    secrets = secrets_in(database_url)
    new = "u2cGLo3ypFVDpfrXhGIFRXfFqzN3fMqT0CFMv3HYvyo="
    both = {"DATABASE_URL": database_url, "SECRETS_KEY": f"{new},{KEY}"}
    assert rollcall_here("secrets", "reencrypt", **both).stdout == "1 secret encrypted under the first key.\n"
    assert rollcall_here("secrets", "reencrypt", **both).stdout == "0 secrets encrypted under the first key.\n"
    back = rollcall_here("secrets", "reencrypt", DATABASE_URL=database_url, SECRETS_KEY=KEY)
    assert back.returncode == 1
    assert "rotate" in back.stderr
    assert rollcall_here("secrets", "reencrypt", DATABASE_URL=database_url, SECRETS_KEY=f"{KEY},{new}").returncode == 0
    assert secrets_in(database_url) == secrets
