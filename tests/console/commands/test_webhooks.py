"""`rollcall webhooks` against a vendor that speaks both dialects over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from receiver.app import create_app
from receiver.settings import ReceiverSettings
from runtime.var_folder import VarFolder
from tests.console.conftest import Rollcall
from tests.receiver.list_keeper import ListKeeper
from tests.receiver.running import RunningReceiver, run
from tests.vendor_api.fake_vendor import API_KEY, API_TOKEN, FakeVendor
from tests.vendor_api.switches import Fault
from tests.vendor_api.world import ORGANIZATION
from vendor_api.registrations import EVENTS

URL = "https://rollcall.example.com/webhook"
OWNERS = [ORGANIZATION, "app-1", "app-2"]


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    """A vendor with an organization in one dialect and two apps in the other."""
    with FakeVendor(apps={"app-1": ORGANIZATION, "app-2": ORGANIZATION}) as started:
        yield started


@pytest.fixture
def environment(vendor: FakeVendor, database_url: str) -> dict[str, str]:
    return {**vendor.environment(), "DATABASE_URL": database_url, "VENDOR_CALLS_PER_SECOND": "200"}


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[RunningReceiver]:
    var_folder = VarFolder(tmp_path, tmp_path / "spool")
    settings = ReceiverSettings(broker_url="postgresql://nowhere/", var_folder=var_folder, key_urls=())
    with run(create_app(settings, keeper=ListKeeper())) as running:
        yield running


def url_of(receiver: RunningReceiver) -> str:
    return f"http://127.0.0.1:{receiver.port}/webhook"


def hooks(vendor: FakeVendor, owner: str) -> list[dict[str, Any]]:
    return vendor.hooks.of(owner)


def test_a_url_is_registered_for_all_nine_events_with_every_organization_and_app(
    rollcall_here: Rollcall, vendor: FakeVendor, environment: dict[str, str]
) -> None:
    done = rollcall_here("webhooks", "register", URL, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    made = [hooks(vendor, owner) for owner in OWNERS]
    assert [len(one) for one in made] == [1, 1, 1]
    for [hook] in made:
        assert (hook["url"], hook["name"], hook["enabled"]) == (URL, "rollcall", True)
        assert hook["events"] == list(EVENTS)
        assert hook["id"] in done.stdout
    assert f"WEBHOOK_IDS: {','.join(hook['id'] for [hook] in made)}" in done.stdout


@pytest.mark.parametrize("again", [URL, "HTTPS://Rollcall.example.com:443/webhook"])
def test_the_same_url_is_not_registered_twice(
    rollcall_here: Rollcall, vendor: FakeVendor, environment: dict[str, str], again: str
) -> None:
    hook = vendor.hooks.add("app-1", URL)
    done = rollcall_here("webhooks", "register", again, "--json", **environment)
    assert done.returncode == 1
    assert hook["id"] in done.stderr
    assert [row["organization_id"] for row in json.loads(done.stdout)] == [ORGANIZATION, "app-2"]
    assert [len(hooks(vendor, owner)) for owner in OWNERS] == [1, 1, 1]


@pytest.mark.parametrize(
    "url",
    [
        "http://rollcall.example.com/webhook",
        "https://rollcall.example.com/",
        "https://rollcall.example.com/webhook?token=1",
        "https://rollcall.example.com/webhook/",
        "https://rollcall.example.com/webhook#a",
        "https://user:secret@rollcall.example.com/webhook",
        "https://rollcall.example.com:99999/webhook",
        "https:///webhook",
        "https://roll call.example.com/webhook",
        "rollcall.example.com/webhook",
    ],
)
def test_a_url_that_the_vendor_can_not_reach_us_by_is_refused(
    rollcall_here: Rollcall, vendor: FakeVendor, environment: dict[str, str], url: str
) -> None:
    done = rollcall_here("webhooks", "register", url, **environment)
    assert done.returncode == 2
    assert "https://" in done.stderr or "/webhook" in done.stderr
    assert vendor.calls == []


def test_one_organization_or_app_can_be_chosen(
    rollcall_here: Rollcall, vendor: FakeVendor, environment: dict[str, str]
) -> None:
    assert rollcall_here("webhooks", "register", URL, "--for", "app-2", **environment).returncode == 0
    assert [len(hooks(vendor, owner)) for owner in OWNERS] == [0, 0, 1]
    unknown = rollcall_here("webhooks", "register", URL, "--for", "app-3", **environment)
    assert unknown.returncode == 1
    assert "app-1" in unknown.stderr


def test_what_was_registered_before_a_failure_is_said(
    rollcall_here: Rollcall, vendor: FakeVendor, environment: dict[str, str]
) -> None:
    def fail_once_one_is_made(_: str) -> None:
        if hooks(vendor, "app-1"):
            vendor.faults = [Fault(502)]

    vendor.on_call = fail_once_one_is_made
    done = rollcall_here("webhooks", "register", URL, **environment)
    assert done.returncode == 1
    assert hooks(vendor, ORGANIZATION)[0]["id"] in done.stdout
    assert hooks(vendor, "app-1")[0]["id"] in done.stdout
    assert "app-2" in done.stderr
    assert "not known" in done.stderr


def test_refused_credentials_leave_nothing_half_done(
    rollcall_here: Rollcall, vendor: FakeVendor, environment: dict[str, str]
) -> None:
    vendor.refused = {"app-2": 403}
    done = rollcall_here("webhooks", "register", URL, **environment)
    assert (done.returncode, json.loads(done.stdout or "[]")) == (1, [])
    assert "REALTIMEKIT_API_TOKEN" in done.stderr
    assert [len(hooks(vendor, owner)) for owner in OWNERS] == [0, 0, 0]
    assert API_KEY not in done.stderr
    assert API_TOKEN not in done.stderr


def test_all_are_listed_as_a_table_and_for_scripts(
    rollcall_here: Rollcall, vendor: FakeVendor, environment: dict[str, str]
) -> None:
    whole = vendor.hooks.add(ORGANIZATION, URL)
    partial = vendor.hooks.add("app-2", "https://other.example/hook", is_enabled=False, events=EVENTS[:2])
    listed = rollcall_here("webhooks", "list", **environment)
    assert listed.returncode == 0
    [_, first, second] = listed.stdout.splitlines()
    assert first.split()[0] == whole["id"]
    assert "enabled" in first
    assert "9/9" in first
    assert second.split()[0] == partial["id"]
    assert "disabled" in second
    assert "2/9" in second
    rows = json.loads(rollcall_here("webhooks", "list", "--json", **environment).stdout)
    assert [(row["dialect"], row["organization_id"], row["id"], row["enabled"]) for row in rows] == [
        ("dyte", ORGANIZATION, whole["id"], True),
        ("realtimekit", "app-2", partial["id"], False),
    ]
    assert rows[1]["missing_events"] == list(EVENTS[2:])


def test_a_webhook_is_disabled_enabled_and_removed_by_the_start_of_its_id(
    rollcall_here: Rollcall, vendor: FakeVendor, environment: dict[str, str]
) -> None:
    hook = vendor.hooks.add("app-2", URL)
    other = vendor.hooks.add("app-2", "https://other.example/hook")
    hook["id"] = "11111111-1111-4111-8111-111111111111"
    other["id"] = "11112222-1111-4111-8111-111111111111"
    done = rollcall_here("webhooks", "disable", "111111", "--json", **environment)
    assert (done.returncode, hook["enabled"], other["enabled"]) == (0, False, True)
    assert json.loads(done.stdout)[0]["enabled"] is False
    assert rollcall_here("webhooks", "enable", hook["id"], **environment).returncode == 0
    assert hook["enabled"] is True
    assert hook["events"] == list(EVENTS)
    for prefix, said in (("1111", "2 webhooks"), ("9", "no webhook '9'"), ("", "no webhook")):
        refused = rollcall_here("webhooks", "remove", prefix, **environment)
        assert refused.returncode == 1
        assert said in refused.stderr
    assert rollcall_here("webhooks", "remove", "111111", **environment).returncode == 0
    assert hooks(vendor, "app-2") == [other]


def test_check_says_that_all_is_well_where_a_rollcall_answers(
    rollcall_here: Rollcall, vendor: FakeVendor, environment: dict[str, str], receiver: RunningReceiver
) -> None:
    ids = [vendor.hooks.add(owner, url_of(receiver))["id"] for owner in OWNERS]
    vendor.hooks.add(ORGANIZATION, "https://other.example/hook", is_enabled=False)
    done = rollcall_here("webhooks", "check", WEBHOOK_IDS=",".join(ids), **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["ok", "ok", "ok"]
    given = rollcall_here("webhooks", "check", url_of(receiver), "--json", **environment)
    assert given.returncode == 0
    assert [(row["id"], row["problems"]) for row in json.loads(given.stdout)] == [(one, []) for one in ids]


def problems(rollcall_here: Rollcall, environment: dict[str, str], *arguments: str) -> dict[str, str]:
    """Return what `check` finds wrong, by organization and app."""
    done = rollcall_here("webhooks", "check", *arguments, "--json", **environment)
    found: dict[str, str] = {}
    for row in json.loads(done.stdout):
        found[row["organization_id"]] = "; ".join([found.get(row["organization_id"], ""), *row["problems"]])
    assert done.returncode == int(any(found.values()))
    return found


def test_check_says_what_is_wrong(
    rollcall_here: Rollcall, vendor: FakeVendor, environment: dict[str, str], receiver: RunningReceiver
) -> None:
    vendor.hooks.add(ORGANIZATION, url_of(receiver), is_enabled=False)
    vendor.hooks.add("app-1", url_of(receiver), events=EVENTS[:-1])
    vendor.hooks.add("app-1", url_of(receiver) + "/")
    found = problems(rollcall_here, {**environment, "WEBHOOK_IDS": "w-1"})
    assert "is disabled" in found[ORGANIZATION]
    assert "does not get meeting.summary" in found["app-1"]
    assert found["app-1"].count("have the same URL") == 2
    assert found["app-1"].count("not in WEBHOOK_IDS") == 2
    assert "rollcall webhooks register" in found["app-2"]


def test_check_says_that_nobody_or_somebody_else_answers(
    rollcall_here: Rollcall, vendor: FakeVendor, environment: dict[str, str]
) -> None:
    with FakeVendor() as gone:
        pass
    vendor.hooks.add(ORGANIZATION, f"{gone.url}/webhook")
    vendor.hooks.add("app-1", f"{vendor.url}/webhook")
    found = problems(rollcall_here, environment)
    assert "does not answer" in found[ORGANIZATION]
    assert "status 404" in found["app-1"]
    assert (
        "no webhook with the URL https://x.example/webhook"
        in problems(rollcall_here, environment, "https://x.example/webhook")["app-2"]
    )


@pytest.mark.parametrize("event_list", ["list", "object", "unknown"])
def test_check_asks_for_the_events_that_the_vendor_knows(
    rollcall_here: Rollcall, vendor: FakeVendor, environment: dict[str, str], receiver: RunningReceiver, event_list: Any
) -> None:
    vendor.switches.event_list = event_list
    vendor.switches.has_enabled = False
    for owner in OWNERS:
        vendor.hooks.add(owner, url_of(receiver))
    assert problems(rollcall_here, environment) == dict.fromkeys(OWNERS, "")
    assert [call.owner for call in vendor.called("/webhooks/all")] == ["app-1", "app-2"]


def test_without_credentials_the_variables_are_named(rollcall_here: Rollcall, database_url: str) -> None:
    done = rollcall_here("webhooks", "list", DATABASE_URL=database_url)
    assert done.returncode == 1
    assert "DYTE_API_KEY" in done.stderr
    assert "REALTIMEKIT_API_TOKEN" in done.stderr


def test_no_log_line_is_in_the_output(rollcall: Rollcall, vendor: FakeVendor, environment: dict[str, str]) -> None:
    vendor.faults = [Fault(502)]
    done = rollcall("webhooks", "list", "--json", **environment)
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, [], "")
