"""`rollcall endpoints rotate`."""

from datetime import timedelta
from typing import Annotated

import typer

from automations.managing.rotation import rotate as rotate_secret
from automations.secrets import Keyring
from console.changing import open_for_changes
from console.commands.endpoints.secret_input import SECRET_STDIN_HELP, check_can_encrypt, wanted_secret
from console.queries.endpoints import find_endpoint
from console.queries.tables import Tables
from console.screen.machine_readable import print_json
from console.screen.tables import Screen
from runtime.environment import read_environment
from runtime.setting import length_of_time

_LONGEST_GRACE = timedelta(days=30)


def _grace(text: str) -> timedelta:
    try:
        return length_of_time(timedelta(0), _LONGEST_GRACE)(text)
    except ValueError:
        raise typer.BadParameter(f"it takes a length of time up to {_LONGEST_GRACE.days}d, such as 24h.") from None


def rotate(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its id (or the start of it), name or URL.")],
    *,
    grace: Annotated[
        timedelta, typer.Option(parser=_grace, metavar="TIME", help="How long the secret before signs as well; 0: not.")
    ] = "24h",  # type: ignore[assignment]  # parsed by the above
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help=SECRET_STDIN_HELP)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, with the secret.")] = False,
) -> None:
    """Give an endpoint a new secret, and print it once.

    Messages are signed with both until the grace is over, so a receiver can change to the new one in between. With a
    secret that others have learned, use --grace 0.
    """
    keyring = Keyring.from_environment(read_environment())
    check_can_encrypt(keyring)
    with open_for_changes() as connection:
        found = find_endpoint(Tables(connection), endpoint)
        secret = wanted_secret(from_stdin=secret_stdin)
        rotate_secret(connection, found["id"], keyring.encrypt(secret), grace)
    if as_json:
        print_json([{"id": found["id"], "secret": secret, "grace_seconds": int(grace.total_seconds())}])
        return
    screen = Screen()
    screen.say(f"The new secret of {found['id']} ({found['name']}), shown only now: {secret}")
    if grace:
        screen.say(f"The one before signs as well for {grace}: give the receiver the new one until then.")
    else:
        screen.say("The one before signs no more.")
