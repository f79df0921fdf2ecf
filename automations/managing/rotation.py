"""Secrets in the database: which are valid, how one is replaced, and how all move to the first key."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg

from automations.secrets import Keyring, WrongKeyError

_VALID: LiteralString = """
SELECT secret FROM rollcall.endpoint_secrets
WHERE endpoint_id = %s AND (expires_at IS NULL OR expires_at > now())
ORDER BY created_at DESC"""
_LET_EXPIRE: LiteralString = """
UPDATE rollcall.endpoint_secrets SET expires_at = now() + %s
WHERE endpoint_id = %s AND (expires_at IS NULL OR expires_at > now() + %s)"""
_ADD: LiteralString = "INSERT INTO rollcall.endpoint_secrets (id, endpoint_id, secret) VALUES (%s, %s, %s)"
_REMOVE_EXPIRED: LiteralString = "DELETE FROM rollcall.endpoint_secrets WHERE endpoint_id = %s AND expires_at <= now()"
# By the row's lock: a rotation at the same time waits, and what it then does applies to the new text.
_ALL: LiteralString = "SELECT id, endpoint_id, secret FROM rollcall.endpoint_secrets ORDER BY id FOR UPDATE"
_REPLACE: LiteralString = "UPDATE rollcall.endpoint_secrets SET secret = %s WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Reencrypted:
    """What became of the secrets.

    Attributes:
        moved: how many are encrypted under the first key now, and were not before.
        unopened: the endpoints with secrets that no key opens; these are as they were.
    """

    moved: int
    unopened: frozenset[str]


def valid_secrets(connection: psycopg.Connection[Any], endpoint_id: str, keyring: Keyring) -> list[str]:
    """Return the secrets that sign for an endpoint now, the newest first.

    Raises:
        WrongKeyError: none of the keys opens one of them.
    """
    return [keyring.decrypt(token) for (token,) in connection.execute(_VALID, [endpoint_id])]


def rotate(connection: psycopg.Connection[Any], endpoint_id: str, encrypted_secret: str, grace: timedelta) -> None:
    """Give an endpoint a new secret; those before it sign for `grace` longer at most."""
    with connection.transaction():
        connection.execute(_LET_EXPIRE, [grace, endpoint_id, grace])
        connection.execute(_REMOVE_EXPIRED, [endpoint_id])
        connection.execute(_ADD, [uuid4(), endpoint_id, encrypted_secret])


def reencrypt(connection: psycopg.Connection[Any], keyring: Keyring) -> Reencrypted:
    """Encrypt all secrets under the first key that are not yet.

    Raises:
        NoKeyError: there is no key.
    """
    moved, unopened = 0, set[str]()
    with connection.transaction():
        for id_, endpoint_id, token in _outdated(connection, keyring):
            try:
                secret = keyring.decrypt(token)
            except WrongKeyError:
                unopened.add(endpoint_id)
                continue
            connection.execute(_REPLACE, [keyring.encrypt(secret), id_])
            moved += 1
    return Reencrypted(moved, frozenset(unopened))


def _outdated(connection: psycopg.Connection[Any], keyring: Keyring) -> Iterator[tuple[UUID, str, str]]:
    for id_, endpoint_id, token in connection.execute(_ALL).fetchall():
        if not keyring.is_current(token):
            yield id_, endpoint_id, token
