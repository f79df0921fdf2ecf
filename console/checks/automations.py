"""Outgoing webhooks: whether somebody sends, whether secrets open, and how endpoints fare."""

from collections.abc import Iterator, Mapping, Sequence

import psycopg
from psycopg import errors

from automations.secrets import Keyring, WrongKeyError
from console.checks.finding import Finding, bad, doubtful, good
from console.queries.automations import EndpointState, Outbox, encrypted_secrets, endpoint_states, outbox
from runtime.addresses import database_url
from runtime.connections import connect
from runtime.environment import SettingError

_PART = "automations"
_KEY = "SECRETS_KEY"
# Seconds; libpq counts from 2.
_CONNECT_TIMEOUT = 2
# Seconds that a change may wait: an announcer looks twice a second, and only at what has committed.
_LONG = 60.0


def check_automations(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check outgoing webhooks. What is wrong with the database itself has its own check."""
    try:
        url = database_url(environment)
        with connect(url, name="rollcall doctor", connect_timeout=_CONNECT_TIMEOUT) as connection:
            endpoints = endpoint_states(connection)
            if not endpoints:
                yield good(_PART, "no endpoint yet: add one with `rollcall endpoints add URL`")
                return
            yield from _check_process(endpoints, outbox(connection))
            yield from _check_secrets(environment, encrypted_secrets(connection))
            yield from _check_endpoints(endpoints)
    except SettingError as error:
        if error.name not in {"DATABASE_URL", "VAR_DIR"}:
            yield bad(_KEY, str(error))
    except errors.InsufficientPrivilege:
        yield doubtful(_PART, "not checked: the user in DATABASE_URL may not read endpoints and their secrets.")
    except psycopg.Error:
        return


def _check_process(endpoints: Sequence[EndpointState], waiting: Outbox) -> Iterator[Finding]:
    enabled = sum(one.status == "enabled" for one in endpoints)
    if waiting.oldest_mark is not None and waiting.oldest_mark > _LONG:
        yield bad(
            _PART,
            f"changes wait for {waiting.oldest_mark:.0f} s to be announced: is the process `automations` running? "
            "Start it with `python -m automations`, or look at its log.",
        )
    elif enabled and not waiting.served:
        yield bad(
            _PART,
            f"no process sends to any of the {enabled} enabled endpoints: start one with `python -m automations`.",
        )
    else:
        yield good(_PART, f"{len(endpoints)} {'endpoint' if len(endpoints) == 1 else 'endpoints'}, {enabled} enabled")
    if waiting.held or waiting.given_up:
        yield doubtful(
            "messages",
            f"{waiting.held} are held and {waiting.given_up} given up (per endpoint), and removed after 90 days: see "
            "`rollcall messages list --status held` and `--status given_up`.",
        )
    if waiting.overdue:
        yield doubtful(
            "clock",
            f"{waiting.overdue} messages are older than the 90 days after which they go: is the process `clock` "
            "running? Start it with `python -m clock`.",
        )


def _check_secrets(environment: Mapping[str, str], secrets: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    keyring = Keyring.from_environment(environment)
    unopened = set[str]()
    for endpoint_id, secret in secrets:
        try:
            keyring.decrypt(secret)
        except WrongKeyError:
            unopened.add(endpoint_id)
    if unopened and not keyring.keys:
        yield bad(_KEY, "it is not set, and the secrets of endpoints are encrypted: set it to what it is elsewhere.")
    elif unopened:
        yield bad(
            _KEY,
            f"it does not open the secrets of {', '.join(sorted(unopened))}, so nothing is sent there: add the key "
            "that they were encrypted under, or run `rollcall endpoints rotate` for each.",
        )
    else:
        yield good(_KEY, "it opens the secrets of all endpoints")


def _check_endpoints(endpoints: Sequence[EndpointState]) -> Iterator[Finding]:
    for one in endpoints:
        if one.status == "disabled":
            yield doubtful(
                "endpoint",
                f"{one.id} is disabled ({one.disabled_reason or 'for no stated reason'}) and messages for it are "
                f"held: `rollcall endpoints enable {one.id}` sends them.",
            )
        elif one.failing_since is not None:
            yield doubtful(
                "endpoint",
                f"{one.id} has failed since {one.failing_since:%Y-%m-%d %H:%M} UTC, and is disabled after five days: "
                f"`rollcall endpoints show {one.id}` shows its errors.",
            )
