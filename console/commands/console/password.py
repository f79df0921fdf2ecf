"""`rollcall console password`."""

import sys
from getpass import getpass

import typer

from console.failure import CommandFailedError
from console.pages.entrance.password import CONSOLE_PASSWORD_HASH, LEAST_LENGTH, MOST_LENGTH, hash_of


def password() -> None:
    """Ask for a password and print the line for CONSOLE_PASSWORD_HASH.

    In a pipe, the password is the first line of standard input.
    """
    given = _ask() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not LEAST_LENGTH <= len(given) <= MOST_LENGTH:
        raise CommandFailedError(f"A password of {LEAST_LENGTH} to {MOST_LENGTH} characters is needed.")
    typer.echo(f"{CONSOLE_PASSWORD_HASH.name}={hash_of(given)}")


def _ask() -> str:
    given = getpass("Password: ")
    if getpass("Again: ") != given:
        raise CommandFailedError("The two are not the same: run this again.")
    return given
