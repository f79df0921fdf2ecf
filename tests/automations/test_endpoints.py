"""Which messages an endpoint is meant to get."""

from datetime import UTC, datetime

import pytest

from automations.endpoints import Endpoint
from workers.rules.messages import BodyKind, EndpointStatus, Order


def endpoint(
    *types: str, organizations: frozenset[str] | None = None, meetings: frozenset[str] | None = None
) -> Endpoint:
    return Endpoint(
        id="ep_1",
        name="n8n",
        url="https://example.com/hook",
        types=types,
        organization_ids=organizations,
        meeting_ids=meetings,
        status=EndpointStatus.ENABLED,
        disabled_reason=None,
        created_at=datetime(2026, 3, 2, tzinfo=UTC),
        order_by=Order.NONE,
        max_in_flight=10,
        rate=None,
        body=BodyKind.FULL,
        schedule=None,
    )


@pytest.mark.parametrize(
    ("types", "message_type", "is_wanted"),
    [
        (("*",), "session.settled", True),
        (("session.*",), "session.settled", True),
        (("session.*",), "sessions.settled", False),
        (("session.*",), "participant.left", False),
        (("session.settled",), "session.settled", True),
        (("session.settled",), "session.settled.again", False),
        (("session_settled",), "session.settled", False),
        (("*.available",), "transcript.available", True),
        (("recording.*", "session.settled"), "session.settled", True),
        ((), "session.settled", False),
    ],
)
def test_a_type_is_wanted_if_a_pattern_matches_the_whole_of_it(
    types: tuple[str, ...], message_type: str, *, is_wanted: bool
) -> None:
    assert endpoint(*types).wants(message_type, "org", "meeting") == is_wanted


def test_an_endpoint_of_some_organizations_and_meetings_is_not_told_of_others_nor_of_none() -> None:
    assert endpoint("*", organizations=frozenset({"a"})).wants("session.started", "a", None)
    assert not endpoint("*", organizations=frozenset({"a"})).wants("session.started", "b", None)
    assert not endpoint("*", organizations=frozenset({"a"})).wants("session.started", None, None)
    assert endpoint("*", meetings=frozenset({"m"})).wants("session.started", None, "m")
    assert not endpoint("*", meetings=frozenset({"m"})).wants("session.started", None, "n")
