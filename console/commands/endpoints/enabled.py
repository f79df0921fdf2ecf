"""The endpoint of a command that has something sent to it."""

from typing import Any

import psycopg

from automations.endpoints import Endpoint, read_endpoint
from console.failure import CommandFailedError
from workers.rules.messages import EndpointStatus


def require_enabled(connection: psycopg.Connection[Any], endpoint_id: str) -> Endpoint:
    """Return an endpoint.

    Raises:
        CommandFailedError: it is disabled, or was removed a moment ago.
    """
    endpoint = read_endpoint(connection, endpoint_id)
    if endpoint is None or endpoint.status is EndpointStatus.DISABLED:
        raise CommandFailedError(
            f"{endpoint_id} is disabled, so nothing is sent to it: `rollcall endpoints enable {endpoint_id}` first."
        )
    return endpoint
