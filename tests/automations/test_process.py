"""`python -m automations`: starts, sends, shows its metrics, and stops cleanly."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import rsa

from automations.secrets import Keyring
from tests.automations.sending import outbox as outboxes
from tests.automations.sending.outbox import open_outbox
from tests.automations.sending.receiving import receiving
from tests.operations.scrape import scrape, value
from tests.processes import System, free_port
from tests.receiver.running import wait_until

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_it_sends_shows_its_metrics_on_the_third_next_port_and_stops_cleanly(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, port = Fernet.generate_key(), free_port()
    monkeypatch.setattr(outboxes, "KEYRING", Keyring((Fernet(key),)))
    settings = {"SECRETS_KEY": key.decode(), "AUTOMATIONS_ALLOW": "127.0.0.0/8", "METRICS_PORT": str(port)}
    system = System(tmp_path, database_url, KEY, settings)
    with receiving() as server, open_outbox(database_url) as outbox:
        endpoint = outbox.add_endpoint(f"{server.url}/a")
        process = system.start("automations")
        try:
            outbox.wait_for_status("delivered", outbox.put(endpoint))
            wait_until(
                lambda: value(scrape(port + 3), "rollcall_automations_attempts_total", result="delivered") == 1.0,
                "the attempt is counted",
            )
            assert value(scrape(port + 3), "rollcall_automations_up") == 1.0
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
    log = system.log("automations").read_text()
    assert '"automations_stopped"' in log
    assert key.decode() not in log
    assert outbox.secrets[endpoint] not in log


def test_it_waits_for_a_database_that_is_away(tmp_path: Path) -> None:
    system = System(tmp_path, f"postgresql://127.0.0.1:{free_port()}/nowhere", KEY, {})
    process = system.start("automations")
    try:
        wait_until(lambda: '"sending_waits"' in system.log("automations").read_text(), "it says so", seconds=60)
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(60) == 0


@pytest.mark.parametrize("setting", ["AUTOMATIONS_ALLOW", "AUTOMATIONS_PROXY", "SETTLE_AFTER", "SECRETS_KEY"])
def test_a_wrong_setting_is_one_line_that_names_it(tmp_path: Path, setting: str) -> None:
    system = System(tmp_path, "postgresql://127.0.0.1/nowhere", KEY, {setting: "wrong-value"})
    assert system.start("automations").wait(60) == 2
    [line] = system.log("automations").read_text().splitlines()
    assert line.startswith(f"{setting} ")
    assert "wrong-value" not in line


def test_the_process_has_no_sqlalchemy_and_no_web_server() -> None:
    program = (
        "import sys, automations.__main__; "
        "print(sorted({'sqlalchemy', 'starlette', 'uvicorn', 'dramatiq', 'alembic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().strip() == "[]"
