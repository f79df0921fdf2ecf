"""`rollcall endpoints add`."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

import typer

from automations.managing.adding import NewEndpoint, add_endpoint
from automations.managing.url import check_place, guard_of, read_url
from automations.secrets import Keyring
from automations.types import fits_any_type
from console.changing import open_for_changes
from console.commands.endpoints.secret_input import SECRET_STDIN_HELP, check_can_encrypt, wanted_secret
from console.queries.endpoints import find_endpoint
from console.queries.tables import Tables
from console.screen.machine_readable import print_json
from console.screen.tables import Screen
from runtime.environment import read_environment
from runtime.setting import comma_separated, read_length_of_time
from runtime.settings import ORGANIZATION_IDS
from workers.rules.messages import BodyKind, Order

_MOST_CHARACTERS = 100
_MOST_RETRIES = 50
_LONGEST_WAIT = timedelta(days=7)

_NOT_ONLY_YOURS = (
    "Warning: ORGANIZATION_IDS is not set. The vendor signs for all its customers with one key, so anyone with an "
    "account can have events put into your tables, and messages about them sent to this endpoint. Set it to your "
    "organizations' ids."
)


def _types(text: str) -> tuple[str, ...]:
    try:
        globs = comma_separated(text)
    except ValueError:
        globs = ()
    if not globs:
        raise typer.BadParameter("it takes types separated by commas, with * as in session.*", param_hint="--types")
    for glob in globs:
        if not fits_any_type(glob):
            raise typer.BadParameter(
                f"no message has the type {glob!r}: docs/automations.md lists them.", param_hint="--types"
            )
    return globs


def _schedule(text: str) -> tuple[float, ...]:
    try:
        waits = tuple(read_length_of_time(part) for part in comma_separated(text))
    except ValueError:
        waits = ()
    if not 0 < len(waits) <= _MOST_RETRIES or max(waits) > _LONGEST_WAIT:
        raise typer.BadParameter(
            f"it takes the waits before each retry, separated by commas, such as 5s,5m,2h: at most {_MOST_RETRIES}, "
            f"each at most {_LONGEST_WAIT.days}d.",
            param_hint="--schedule",
        )
    return tuple(wait.total_seconds() for wait in waits)


def _name(text: str | None, url: str) -> str:
    name = (text or urlsplit(url).netloc).strip()
    return name[:_MOST_CHARACTERS]


def add(  # noqa: PLR0913 - each parameter is one of the command
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages are posted.", show_default=False)],
    *,
    name: Annotated[str | None, typer.Option(help="What to call it. [default: the URL's host]")] = None,
    types: Annotated[str, typer.Option(metavar="TYPES", help="Only these, with *: session.*,recording.*")] = "*",
    organization: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only of this one; repeatable.")] = None,
    meeting: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only of this one; repeatable.")] = None,
    order: Annotated[
        Order, typer.Option(help="Whether a session's messages wait for each other. One that fails holds up the next.")
    ] = Order.NONE,
    max_in_flight: Annotated[int, typer.Option(min=1, max=1000, help="The most requests at the same time.")] = 10,
    rate: Annotated[
        float | None, typer.Option(min=0.001, max=1e6, help="The most requests a second. [default: no limit]")
    ] = None,
    body: Annotated[
        BodyKind,
        typer.Option(help="Full messages carry names and download links, which open for anyone; thin ones only ids."),
    ] = BodyKind.FULL,
    schedule: Annotated[
        str | None, typer.Option(metavar="WAITS", help="Waits before retries: 5s,5m,30m. [default: ten within 4 days]")
    ] = None,
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help=SECRET_STDIN_HELP)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, with the secret.")] = False,
) -> None:
    """Add an endpoint: from now on it is sent what happens.

    Prints the secret that its receiver verifies signatures with, once: it is kept encrypted and never shown again.
    `rollcall endpoints test` sends it a message.
    """
    environment = read_environment()
    keyring = Keyring.from_environment(environment)
    check_can_encrypt(keyring)
    place = read_url(url)
    check_place(place, guard_of(environment))
    new = NewEndpoint(
        name=_name(name, place),
        url=place,
        types=_types(types),
        organization_ids=tuple(organization) if organization else None,
        meeting_ids=tuple(meeting) if meeting else None,
        order_by=order,
        max_in_flight=max_in_flight,
        rate=rate,
        body=body,
        schedule=None if schedule is None else _schedule(schedule),
    )
    secret = wanted_secret(from_stdin=secret_stdin)
    with open_for_changes() as connection:
        endpoint_id = add_endpoint(connection, new, keyring.encrypt(secret))
        added = find_endpoint(Tables(connection), endpoint_id)
    if ORGANIZATION_IDS.of(environment) is None:
        typer.echo(_NOT_ONLY_YOURS, err=True)
    if as_json:
        print_json([{**added, "secret": secret}])
        return
    screen = Screen()
    screen.say(f"Added {endpoint_id} ({new.name}).")
    screen.say(f"Its secret, shown only now: {secret}")
    screen.say(f"Try it: rollcall endpoints test {endpoint_id}")
