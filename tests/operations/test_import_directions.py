"""The linter enforces the layout: it refuses every import that a contract forbids."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: list[str] = PYPROJECT["tool"]["importlinter"]["root_packages"]
CONTRACTS: list[str] = [contract["id"] for contract in PYPROJECT["tool"]["importlinter"]["contracts"]]

# The contract that must refuse it, the module that is written to, what it imports.
VIOLATIONS = [
    ("floors", "runtime/logs.py", "workers.queue.delivery"),
    ("floors", "runtime/environment.py", "receiver.settings"),
    ("floors", "workers/settings.py", "receiver.settings"),
    ("floors", "workers/queue/message.py", "console.failure"),
    ("floors", "workers/tables/ledger.py", "migrations.apply"),
    ("floors", "receiver/webhook.py", "console.failure"),
    ("floors", "receiver/app.py", "migrations.apply"),
    ("floors", "migrations/apply.py", "receiver.settings"),
    ("floors", "workers/tables/marks.py", "automations.errors"),
    ("floors", "automations/endpoints.py", "console.failure"),
    ("floors", "automations/endpoints.py", "receiver.settings"),
    ("floors", "migrations/apply.py", "console.failure"),
    ("floors", "clock/job.py", "automations.errors"),
    ("floors", "workers/upkeep/messages.py", "clock.job"),
    ("settling", "workers/upkeep/messages.py", "workers.settling.settle"),
    ("clock", "clock/cleaning.py", "workers.settling.settle"),
    ("clock", "clock/cleaning.py", "workers.tables.models.endpoints"),
    ("clock", "clock/settings.py", "starlette"),
    ("clock", "clock/asking.py", "workers.reading.observations"),
    ("floors", "vendor_api/client.py", "workers.queue.message"),
    ("floors", "workers/upkeep/lookups.py", "vendor_api.credentials"),
    ("floors", "vendor_api/pace.py", "clock.job"),
    ("vendor_api", "receiver/app.py", "vendor_api.client"),
    ("vendor_api", "automations/settings.py", "vendor_api.settings"),
    ("settling", "workers/errors.py", "workers.queue.message"),
    ("settling", "workers/queue/message.py", "workers.reading.facts"),
    ("settling", "workers/queue/brokers.py", "workers.settings"),
    ("settling", "workers/reading/events.py", "workers.rules.timeline"),
    ("settling", "workers/rules/recording.py", "workers.tables.ledger"),
    ("settling", "workers/tables/ledger.py", "workers.settling.settle"),
    ("settling", "workers/settling/settle.py", "workers.running.metrics"),
    ("receiver", "receiver/app.py", "workers.settling.settlement"),
    ("receiver", "receiver/webhook.py", "workers.reading.status"),
    ("receiver", "receiver/keeping/durable.py", "workers.tables.ledger"),
    ("receiver", "receiver/settings.py", "workers.settings"),
    ("receiver", "receiver/app.py", "sqlalchemy"),
    ("pure", "workers/rules/recording.py", "psycopg"),
    ("pure", "workers/rules/livestream.py", "time"),
    ("pure", "workers/reading/fields.py", "socket"),
    ("pure", "workers/reading/events.py", "runtime.environment"),
    ("sql", "workers/tables/ledger.py", "dramatiq"),
    ("worker", "workers/running/metrics.py", "starlette"),
    ("worker", "workers/queue/message.py", "uvicorn"),
    ("automations", "automations/settings.py", "workers.settings"),
    ("automations", "automations/endpoints.py", "workers.settling.settlement"),
    ("automations", "automations/endpoints.py", "workers.tables.models.endpoints"),
    ("automations", "automations/settings.py", "starlette"),
    ("automations", "automations/errors.py", "uvicorn"),
    ("automations", "automations/settings.py", "dramatiq"),
    ("automations", "automations/endpoints.py", "sqlalchemy"),
    ("queries", "console/queries/sessions.py", "console.pages.site"),
    ("queries", "console/queries/tables.py", "starlette"),
    ("runtime", "runtime/connections.py", "sqlalchemy"),
    ("runtime", "runtime/logs.py", "dramatiq"),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The product's packages, to be spoiled."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT, "--no-cache", *arguments], cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_the_packages_as_they_are_keep_every_contract(copy: Path) -> None:
    outcome = lint(copy)
    assert outcome.returncode == 0, outcome.stdout


def test_every_contract_has_a_violation_here() -> None:
    assert {contract for contract, _, _ in VIOLATIONS} == set(CONTRACTS)


def test_the_receiver_is_forbidden_every_part_of_workers_but_the_queue() -> None:
    contracts = {contract["id"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
    parts = {f"workers.{file.stem}" for file in (ROOT / "workers").iterdir() if not file.name.startswith("__")}
    assert parts - {"workers.queue", "workers.errors"} <= set(contracts["receiver"]["forbidden_modules"])


@pytest.mark.parametrize(("contract", "module", "imported"), VIOLATIONS)
def test_a_forbidden_import_is_refused(copy: Path, contract: str, module: str, imported: str) -> None:
    file = copy / module
    file.write_text(f"{file.read_text(encoding='utf-8')}\nimport {imported}\n", encoding="utf-8")
    outcome = lint(copy, "--contract", contract)
    assert outcome.returncode == 1
    # The linter writes an import with an arrow.
    assert imported in outcome.stdout.replace("\n", "")
    assert "Contracts: 0 kept, 1 broken." in outcome.stdout
