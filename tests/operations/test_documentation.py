"""The operations page, alert rules and dashboard match the code: metrics, labels, refusals, log events."""

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from dramatiq import Message
from prometheus_client import CollectorRegistry

import receiver.connection  # all refusals are defined once these are loaded
import receiver.webhook
from automations.metrics import AutomationsMetrics
from clock.metrics import ClockMetrics
from console.pages.metrics import ConsoleMetrics
from receiver.metrics import ReceiverMetrics
from receiver.refusal import reasons_to_refuse
from tests.processes import ROOT
from workers.queue.delivery import Provider
from workers.queue.postgres import PostgresQueue
from workers.queue.unreadable import Unreadable
from workers.reading.status import Status
from workers.running.metrics import WorkerMetrics

DOCS = ROOT / "docs"
PAGE = (DOCS / "operations.md").read_text(encoding="utf-8")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}

# What Prometheus adds to every sample, and what the functions of its language bring in.
LABELS_OF_PROMETHEUS = {"instance", "job", "le"}
VALUES: dict[str, set[str]] = {
    "reason": {*reasons_to_refuse(), "client_gone", "failed", "refused", "away", "unreadable", *Unreadable},
    "status": set(Status),
    "provider": set(Provider),
    "result": {"good", "failed", "delivered", "given_up"},
}


REGISTRIES = tuple(
    one().registry for one in (ReceiverMetrics, WorkerMetrics, ClockMetrics, AutomationsMetrics, ConsoleMetrics)
)


def exported() -> dict[str, set[str]]:
    """The samples of the processes, each with its labels."""
    samples: dict[str, set[str]] = {}
    for registry in REGISTRIES:
        samples |= _samples(registry)
    return samples


def _samples(registry: CollectorRegistry) -> dict[str, set[str]]:
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    names: dict[str, set[str]] = {}
    for collector in set(registry._collector_to_names):  # noqa: SLF001 - it also knows those without a sample yet
        for family in collector.collect():
            labels = set(getattr(collector, "_labelnames", ()))
            names |= {family.name + suffix: labels for suffix in suffixes[family.type]}
    return names


def alerts() -> list[dict[str, Any]]:
    document = yaml.safe_load((DOCS / "prometheus-alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_an_expression_names_figures_labels_and_values_that_exist(expression: str) -> None:
    known = exported()
    names = re.findall(r"\brollcall_\w+", expression)
    assert names
    assert set(names) <= set(known)
    labels = {label for name in names for label in known[name]} | LABELS_OF_PROMETHEUS
    grouped = {one.strip() for group in re.findall(r"\bby \(([^)]*)\)", expression) for one in group.split(",")}
    matched = re.findall(r"(\w+)=~?\"([^\"]*)\"", expression)
    assert grouped | {label for label, _ in matched} <= labels
    for label, pattern in matched:
        assert set(pattern.split("|")) <= VALUES[label]
    assert expression.count("(") == expression.count(")")


def test_a_histogram_is_asked_for_by_its_buckets_and_a_counter_by_its_rise() -> None:
    counters = {name for name in exported() if name.endswith(("_total", "_bucket", "_sum", "_count"))}
    for expression in expressions():
        for name in set(re.findall(r"\brollcall_\w+", expression)) & counters:
            assert re.search(rf"\b(rate|increase|absent)\({name}\b", expression), expression


def test_every_figure_is_explained_and_shown_and_none_that_is_not_there() -> None:
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported()}
    upgrading = PAGE.partition("## Upgrading")[2].partition("\n## ")[0]  # also names metrics as they were called before
    page = PAGE.replace(upgrading, "")
    explained = {name for name in re.findall(r"`(rollcall_[a-z_]+)(?:\{[a-z,]+\})?`", page) if name != "rollcall_queue"}
    assert explained == families
    shown = {name for target in expressions() for name in re.findall(r"\brollcall_\w+", target)}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown} == families


def test_the_labels_of_a_figure_are_those_on_the_page() -> None:
    known = exported()
    for name, labels in re.findall(r"`(rollcall_[a-z_]+)\{([a-z,]+)\}`", PAGE):
        assert set(labels.split(",")) == known[name]


def test_every_figure_says_what_it_is_in_a_sentence() -> None:
    for registry in REGISTRIES:
        for family in registry.collect():
            assert family.documentation.endswith("."), family.name


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    assert re.findall(r"^### (Rollcall\w+)$", PAGE, re.MULTILINE) == [rule["alert"] for rule in alerts()]
    assert {rule["labels"]["severity"] for rule in alerts()} == {"page", "ticket"}
    assert all(rule["annotations"]["summary"] for rule in alerts())


def test_every_reason_to_refuse_is_in_the_table() -> None:
    assert receiver.webhook is not receiver.connection
    table = PAGE.partition("### Why a delivery was refused")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    listed = {reason for row in rows for reason in re.findall(r"`(\w+)`", row)}
    assert listed == {*reasons_to_refuse(), "client_gone"}


def logged() -> set[tuple[str, str]]:
    """Every event that the processes log, with its level, as the source has it."""
    events: set[tuple[str, str]] = set()
    parts = ("runtime", "receiver", "workers", "clock", "automations", "vendor_api", "console/pages")
    for path in sorted(path for part in parts for path in (ROOT / part).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_logger(node.func.value):
                events |= _event(path, node.func.attr, node.args)
    return events


def _is_logger(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr == "get_logger"
    return isinstance(node, ast.Name) and node.id in {"log", "_log"}


def _event(path: Path, method: str, arguments: list[ast.expr]) -> set[tuple[str, str]]:
    if method == "log":
        name, level = arguments[1], "any"
    else:
        assert method in LEVELS, f"{path}: {method}"
        name, level = arguments[0], "error" if method == "exception" else method
    assert isinstance(name, ast.Constant), f"{path}:{name.lineno}: an event's name is fixed"
    assert isinstance(name.value, str)
    assert re.fullmatch(r"[a-z_]+", name.value), f"{path}:{name.lineno}: {name.value!r} is no event's name"
    return {(name.value, level)}


def test_every_log_event_is_in_the_table_with_its_level_and_none_that_is_never_logged() -> None:
    table = PAGE.partition("| event | of | level |")[2].partition("\n\n")[0]
    listed: set[tuple[str, str]] = set()
    for line in table.splitlines()[2:]:
        _, events, _, levels, *_ = line.split("|")
        names = re.findall(r"`(\w+)`", events)
        given = [level.strip() for level in levels.split(",")]
        listed |= set(zip(names, given * len(names) if len(given) == 1 else given, strict=False))
    assert listed == logged()


def test_what_the_page_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (DOCS / target).exists(), target


def test_the_statements_on_the_page_that_delete_old_sessions_leave_the_young_ones(database_url: str) -> None:
    [statements] = re.findall(r"```sql\n(BEGIN;.*?COMMIT;)\n```", PAGE, re.DOTALL)
    with psycopg.connect(database_url, autocommit=True) as connection:
        insert = "INSERT INTO rollcall.sessions (id, meeting_id, status, last_event_at) VALUES (%s, 'm', 'live', %s)"
        now = datetime.now(UTC)
        connection.execute(insert, ("old", now - timedelta(days=900)))
        connection.execute(insert, ("young", now))
        connection.execute(statements.encode())
        assert connection.execute("SELECT id FROM rollcall.sessions").fetchall() == [("young",)]


def test_a_receiver_needs_no_more_rights_than_the_page_says(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("CREATE ROLE receiver_only")
        try:
            owner.execute("GRANT USAGE ON SCHEMA rollcall_queue TO receiver_only")
            owner.execute("GRANT SELECT, INSERT ON rollcall_queue.queue TO receiver_only")
            broker = PostgresQueue(f"{database_url}{'&' if '?' in database_url else '?'}options=-crole%3Dreceiver_only")
            broker.enqueue(Message("rollcall", "keep", ("",), {}, {}))
            broker.close()
            assert owner.execute("SELECT count(*) FROM rollcall_queue.queue").fetchone() == (1,)
        finally:
            owner.execute("DROP OWNED BY receiver_only")
            owner.execute("DROP ROLE receiver_only")
