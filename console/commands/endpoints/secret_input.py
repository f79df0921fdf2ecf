"""A secret that someone brings: from a prompt or stdin, never an argument, which other users could see."""

import sys

import typer

from automations.secrets import LEAST_BYTES, MOST_BYTES, PREFIX, Keyring, new_secret, read_secret
from automations.secrets_key import new_key
from console.failure import CommandFailedError

SECRET_STDIN_HELP = (
    f"Use a secret of your own, read from stdin (asked for on a terminal): {PREFIX} and the base64 of "
    f"{LEAST_BYTES} to {MOST_BYTES} bytes."
)


def check_can_encrypt(keyring: Keyring) -> None:
    """See that a secret can be stored.

    Raises:
        CommandFailedError: there is no key; the message holds a fresh one to set.
    """
    if not keyring.keys:
        raise CommandFailedError(
            "SECRETS_KEY is not set, and an endpoint's secret is only stored encrypted. Set it, to the same value on "
            "every machine that runs `automations` or this command, keep it apart from the database's backups, and "
            f"run this again. A fresh one: SECRETS_KEY={new_key()}"
        )


def wanted_secret(*, from_stdin: bool) -> str:
    """Return a fresh secret, or the one that is typed or piped in.

    Raises:
        UnfitSecretError: what comes in is none.
    """
    if not from_stdin:
        return new_secret()
    if sys.stdin.isatty():
        return read_secret(str(typer.prompt("Secret", hide_input=True, err=True)))
    return read_secret(sys.stdin.readline())
