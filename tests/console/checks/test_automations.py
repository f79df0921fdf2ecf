"""What doctor says of outgoing webhooks."""

import psycopg
import pytest

from automations.secrets_key import new_key
from console.checks.automations import check_automations
from console.checks.finding import Health
from tests.console.commands.messages import KEY, endpoint, meant_for, message


def findings(url: str, key: str | None = KEY) -> dict[str, tuple[Health, str]]:
    """The findings by their parts."""
    environment = {"DATABASE_URL": url, **({} if key is None else {"SECRETS_KEY": key})}
    return {one.part: (one.health, one.says) for one in check_automations(environment)}


def do(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


@pytest.fixture
def served(database_url: str) -> str:
    """The id of an endpoint that a process sends to."""
    endpoint_id = endpoint(database_url)
    do(database_url, "UPDATE rollcall.endpoint_states SET served_until = now() + interval '1 minute'")
    return endpoint_id


def test_without_an_endpoint_there_is_nothing_to_check(database_url: str) -> None:
    [(part, (health, says))] = findings(database_url, None).items()
    assert (part, health) == ("automations", Health.GOOD)
    assert "endpoints add" in says


def test_all_is_well(database_url: str, served: str) -> None:
    assert {part: health for part, (health, _) in findings(database_url).items()} == {
        "automations": Health.GOOD,
        "SECRETS_KEY": Health.GOOD,
    }


def test_a_process_that_does_not_run_is_noticed_by_what_it_serves_and_by_what_waits(
    database_url: str, served: str
) -> None:
    do(database_url, "INSERT INTO rollcall.marks (kind, subject) VALUES ('session', 's-1')")
    assert findings(database_url)["automations"][0] is Health.GOOD
    do(database_url, "UPDATE rollcall.marks SET marked_at = now() - interval '5 minutes'")
    health, says = findings(database_url)["automations"]
    assert (health, "300 s" in says or "301 s" in says) == (Health.BAD, True)
    do(database_url, "DELETE FROM rollcall.marks")
    do(database_url, "UPDATE rollcall.endpoint_states SET served_until = now() - interval '1 second'")
    health, says = findings(database_url)["automations"]
    assert (health, "python -m automations" in says) == (Health.BAD, True)


def test_a_key_that_does_not_open_the_secrets_is_told_without_showing_it(database_url: str, served: str) -> None:
    key = new_key()
    health, says = findings(database_url, key)["SECRETS_KEY"]
    assert (health, served in says, key in says) == (Health.BAD, True, False)
    assert findings(database_url, None)["SECRETS_KEY"][0] is Health.BAD
    assert findings(database_url, "no key")["SECRETS_KEY"][0] is Health.BAD
    assert findings(database_url, f"{key},{KEY}")["SECRETS_KEY"][0] is Health.GOOD


def test_endpoints_that_fail_or_are_disabled_are_named(database_url: str, served: str) -> None:
    do(database_url, "UPDATE rollcall.endpoint_states SET failing_since = '2026-03-02 09:00+00'")
    health, says = findings(database_url)["endpoint"]
    assert (health, served in says, "2026-03-02 09:00" in says) == (Health.DOUBTFUL, True, True)
    do(database_url, "UPDATE rollcall.endpoints SET status = 'disabled', disabled_reason = 'Gone.'")
    health, says = findings(database_url)["endpoint"]
    assert (health, "Gone." in says) == (Health.DOUBTFUL, True)


def test_what_was_set_aside_is_counted_and_what_should_have_gone_tells_of_the_clock(
    database_url: str, served: str
) -> None:
    ids = [message(database_url, number) for number in range(3)]
    meant_for(database_url, ids[0], served, "held", reason="old")
    meant_for(database_url, ids[1], served, "held", reason="old")
    meant_for(database_url, ids[2], served, "given_up", reason="schedule")
    found = findings(database_url)
    assert found["messages"][0] is Health.DOUBTFUL
    assert found["messages"][1].startswith("2 are held and 1 given up")
    assert "clock" not in found
    do(database_url, "UPDATE rollcall.message_deliveries SET changed_at = now() - interval '92 days'")
    assert "python -m clock" in findings(database_url)["clock"][1]


def test_a_database_that_is_away_is_told_by_its_own_check(database_url: str) -> None:
    assert findings("postgresql://nobody@127.0.0.1:1/none") == {}
