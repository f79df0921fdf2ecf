"""What the client makes of each answer, over real HTTP."""

import json
import logging
import traceback

import pytest
from structlog.testing import capture_logs

from runtime.setting_error import SettingError
from tests.vendor_api.conftest import settings_of
from tests.vendor_api.fake_vendor import ACCOUNT, API_KEY, API_TOKEN, APP, FakeVendor
from tests.vendor_api.switches import Fault
from tests.vendor_api.world import ORGANIZATION
from vendor_api.client import VendorClient
from vendor_api.credentials import Credentials, Dialect
from vendor_api.errors import CredentialsError, NotThereError, RefusedCallError, VendorAwayError, VendorError

HTML = Fault(502, (("content-type", "text/html"),), b"<html><body>Bad gateway https://cdn.example/?sig=1</body></html>")
WHOLE = json.dumps({"success": True, "data": {"sessions": []}}).encode()
UNUSABLE = {
    "HTML 502": HTML,
    "503 without a body": Fault(503),
    "an empty body": Fault(200),
    "half a document": Fault(200, body=WHOLE[: len(WHOLE) // 2]),
    "half a body": Fault(200, body=WHOLE, is_cut=True),
    "200 that failed": Fault(200, body=b'{"success": false, "errors": [{"code": 7000, "message": "try again"}]}'),
    "200 with HTML": Fault(200, body=HTML.body),
    "200 with a list": Fault(200, body=b"[]"),
    "200 without data": Fault(200, body=b'{"success": true}'),
    "deep nesting": Fault(200, body=b"[" * 200_000),
    "gzip that nobody asked for": Fault(200, (("content-encoding", "gzip"),), b"\x1f\x8b\x08\x00broken"),
}


def both(vendor: FakeVendor) -> tuple[Credentials, Credentials]:
    """Return the credentials of both dialects."""
    dyte, realtimekit = settings_of(vendor.environment()).credentials
    return dyte, realtimekit


@pytest.mark.parametrize("fault", UNUSABLE.values(), ids=UNUSABLE)
def test_an_answer_that_can_not_be_used_is_asked_for_again(
    vendor: FakeVendor, client: VendorClient, fault: Fault
) -> None:
    dyte, _ = both(vendor)
    vendor.faults = [fault] * 4
    assert client.get(dyte, "/sessions").answer["success"] is True
    assert len(vendor.calls) == 5
    vendor.faults = [fault] * 5
    with pytest.raises(VendorAwayError, match="even after 5 tries") as raised:
        client.get(dyte, "/sessions")
    assert len(vendor.calls) == 10
    assert "<" not in str(raised.value)
    assert "://" not in str(raised.value)


def test_a_vendor_that_is_not_there_is_away(vendor: FakeVendor, client: VendorClient) -> None:
    with FakeVendor() as gone:
        dyte, _ = both(gone)
    with pytest.raises(VendorAwayError, match="ConnectError"):
        client.get(dyte, "/sessions")


@pytest.mark.parametrize("fault", UNUSABLE.values(), ids=UNUSABLE)
def test_a_change_is_never_repeated(vendor: FakeVendor, client: VendorClient, fault: Fault) -> None:
    vendor.faults = [fault]
    with pytest.raises(VendorAwayError, match="not known"):
        client.send("POST", both(vendor)[1], "/webhooks", {"name": "n"})
    assert len(vendor.calls) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_refused_are_said_at_once_and_by_their_variable(
    vendor: FakeVendor, client: VendorClient, status: int
) -> None:
    vendor.refused = {ORGANIZATION: status, APP: status}
    for one, variable in zip(both(vendor), ("DYTE_API_KEY", "REALTIMEKIT_API_TOKEN"), strict=True):
        with pytest.raises(CredentialsError, match=variable) as raised:
            client.get(one, "/sessions")
        assert str(status) in str(raised.value)
        assert one.organization_id in str(raised.value)
    assert len(vendor.calls) == 2


def test_wrong_credentials_are_refused_by_either_dialect(vendor: FakeVendor, client: VendorClient) -> None:
    environment = {**vendor.environment(), "DYTE_API_KEY": "other", "REALTIMEKIT_API_TOKEN": "other"}
    for one in settings_of(environment).credentials:
        with pytest.raises(CredentialsError):
            client.get(one, "/webhooks")


def test_what_is_not_there_and_what_is_refused_is_asked_for_once(vendor: FakeVendor, client: VendorClient) -> None:
    for one in both(vendor):
        with pytest.raises(NotThereError, match="No session found with id none"):
            client.get(one, "/sessions/none")
        with pytest.raises(RefusedCallError, match="must be a valid GUID"):
            client.get(one, "/webhooks/nonsense")
    assert len(vendor.calls) == 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(vendor: FakeVendor, client: VendorClient, status: int) -> None:
    with FakeVendor() as elsewhere:
        vendor.faults = [Fault(status, (("location", f"{elsewhere.url}/v2/sessions?sig=secret"),))]
        with pytest.raises(RefusedCallError) as raised:
            client.get(both(vendor)[0], "/sessions")
        assert elsewhere.calls == []
    assert len(vendor.calls) == 1
    assert "sig=" not in str(raised.value)


def echoes(credentials: Credentials, secret: str) -> list[Fault]:
    """Answers of every kind that repeat the credentials and a link."""
    link = "https://files.example/a.mp4?X-Amz-Signature=abc"
    return [
        Fault(status, body=json.dumps(shape).encode())
        for text in (f"Invalid key {secret}, see {link}", f"Invalid header ({credentials.authorization})")
        for status in (200, 400, 401, 403, 404, 422, 500)
        for shape in (
            {"success": False, "errors": [{"message": text}]},
            {"success": False, "error": {"message": text}},
            {"success": False, "error": text},
            {"success": False, "message": text},
        )
    ]


def test_no_credential_and_no_link_is_in_an_error_or_a_log(
    vendor: FakeVendor, client: VendorClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    dyte, realtimekit = both(vendor)
    with capture_logs() as logs:
        for one, secret in ((dyte, API_KEY), (realtimekit, API_TOKEN)):
            for fault in echoes(one, secret):
                vendor.faults = [fault] * 5
                try:
                    client.get(one, "/sessions")
                except VendorError as error:
                    said += [str(error), repr(error), "".join(traceback.format_exception(error))]
    assert len(said) == 3 * len(echoes(dyte, API_KEY)) * 2
    assert "Invalid key" in said[0]
    settings = settings_of(vendor.environment())
    everything = "\n".join([*said, repr(logs), caplog.text, repr(settings), str(settings), repr(client)])
    for secret in (API_KEY, API_TOKEN, dyte.authorization.removeprefix("Basic "), "X-Amz-Signature"):
        assert secret not in everything


def test_two_apps_and_an_organization_are_each_asked_with_their_own(client: VendorClient) -> None:
    with FakeVendor(apps={"app-1": "o1", "app-2": "o2"}) as vendor:
        found = settings_of(vendor.environment()).credentials
        for one in found:
            client.get(one, "/sessions")
        assert [(call.dialect, call.owner) for call in vendor.calls] == [
            ("dyte", ORGANIZATION),
            ("realtimekit", "app-1"),
            ("realtimekit", "app-2"),
        ]
    assert [one.dialect for one in found] == [Dialect.DYTE, Dialect.REALTIMEKIT, Dialect.REALTIMEKIT]
    # The vendor counts by token, and both apps have one.
    assert [one.account for one in found] == [f"dyte:{ORGANIZATION}", *[f"realtimekit:{ACCOUNT}"] * 2]


@pytest.mark.parametrize(
    ("left_out", "named"),
    [
        ("DYTE_ORGANIZATION_ID", "DYTE_API_KEY"),
        ("DYTE_API_KEY", "DYTE_ORGANIZATION_ID"),
        ("REALTIMEKIT_ACCOUNT_ID", "REALTIMEKIT_APP_IDS"),
        ("REALTIMEKIT_APP_IDS", "REALTIMEKIT_ACCOUNT_ID"),
        ("REALTIMEKIT_API_TOKEN", "REALTIMEKIT_ACCOUNT_ID"),
    ],
)
def test_settings_that_are_half_set_stop_the_start_and_name_both(vendor: FakeVendor, left_out: str, named: str) -> None:
    environment = vendor.environment()
    del environment[left_out]
    with pytest.raises(SettingError, match=f"{left_out} is not set, but {named} is") as raised:
        settings_of(environment)
    assert API_KEY not in str(raised.value)
    assert API_TOKEN not in str(raised.value)


@pytest.mark.parametrize("url", ["http://example.com/v2", "ftp://127.0.0.1/v2", "127.0.0.1", "https://u:p@example.com"])
@pytest.mark.parametrize("name", ["DYTE_API_URL", "REALTIMEKIT_API_URL"])
def test_credentials_go_only_to_https_or_this_machine(vendor: FakeVendor, name: str, url: str) -> None:
    with pytest.raises(SettingError, match=name) as raised:
        settings_of({**vendor.environment(), name: url})
    assert url not in str(raised.value)
