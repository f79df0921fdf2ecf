"""Enable, disable and test an endpoint."""

from http import HTTPStatus
from typing import Any

from automations.enabling import disable as disable_endpoint
from automations.enabling import enable as enable_endpoint
from automations.endpoints import read_endpoint
from automations.managing.trying import put_test_message
from console.pages.acts.act import Prepared
from console.pages.asking import Asking
from console.pages.refusals import NotThereError, PageError
from console.queries.endpoints import endpoint_with
from console.queries.tables import Row
from runtime.session import Session

_TEXT = "This is a test message from Rollcall."
_BY_HAND = "Disabled in the console."


def enable(asking: Asking) -> Prepared:
    """Return what enabling an endpoint would do."""
    found = _endpoint(asking)

    def do(connection: Session) -> str:
        sent = enable_endpoint(connection, found["id"])
        if sent is None:
            raise PageError(HTTPStatus.CONFLICT, "It is enabled already.")
        return f"Enabled {found['name']}: {sent} {'message goes' if sent == 1 else 'messages go'} out."

    aside = found["held"] + found["given_up"]
    question = (
        f"Send to {found['name']} again? What was held, and what was given up since it began to fail, goes out in "
        f"order: at most {aside} {'message' if aside == 1 else 'messages'}."
    )
    return _prepared("enable", found, question, do)


def disable(asking: Asking) -> Prepared:
    """Return what disabling an endpoint would do."""
    found = _endpoint(asking)

    def do(connection: Session) -> str:
        with connection.transaction(), connection.cursor() as cursor:
            held = disable_endpoint(cursor, found["id"], _BY_HAND)
        if held is None:
            raise PageError(HTTPStatus.CONFLICT, "It is disabled already.")
        return f"Disabled {found['name']}: {held} {'message is' if held == 1 else 'messages are'} held."

    waiting = found["pending"]
    held = "message that waits is" if waiting == 1 else "messages that wait are"
    question = f"Stop sending to {found['name']}? {waiting} {held} held until it is enabled."
    return _prepared("disable", found, question, do)


def test(asking: Asking) -> Prepared:
    """Return what testing an endpoint would do."""
    found = _endpoint(asking)

    def do(connection: Session) -> str:
        endpoint = read_endpoint(connection, found["id"])
        if endpoint is None or endpoint.status.value != "enabled":
            raise PageError(HTTPStatus.CONFLICT, "It is disabled, so nothing is sent to it: enable it first.")
        return f"Message {put_test_message(connection, endpoint, _TEXT)} is on its way: look for it among the messages."

    return _prepared("test", found, f"Send a test message to {found['name']}?", do)


def _endpoint(asking: Asking) -> Row:
    found = endpoint_with(asking.tables, asking.text("endpoint") or "")
    if found is None:
        raise NotThereError("endpoint")
    return found


def _prepared(act: str, found: Row, question: str, do: Any) -> Prepared:
    return Prepared(act, f"endpoint {found['id']}", question, 1, f"/automations?endpoint={found['id']}", do)
