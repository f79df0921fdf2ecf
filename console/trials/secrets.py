"""The secrets that a receiver for trying out verifies with: given to it, or those of its own URL in the database."""

from collections.abc import Mapping, Sequence
from typing import LiteralString, Protocol

from automations.errors import AutomationsError
from automations.managing.rotation import valid_secrets
from automations.managing.url import read_url
from automations.secrets import Keyring
from console.changing import open_for_changes

_BY_URL: LiteralString = "SELECT id FROM rollcall.endpoints WHERE url = %s"


class Secrets(Protocol):
    """Knows the secrets of a URL."""

    def of(self, url: str, *, fresh: bool) -> Sequence[str]:
        """Return the secrets that sign what is posted to a URL; none if nothing is to be posted there.

        Args:
            url: as the request has it.
            fresh: whether they may have changed since the last call.
        """


class GivenSecret:
    """One secret for all URLs."""

    def __init__(self, secret: str) -> None:
        self._secrets = [secret]

    def of(self, url: str, *, fresh: bool) -> Sequence[str]:  # noqa: ARG002 - as the protocol has it
        """Return the secret."""
        return self._secrets


class SecretsInTables:
    """The secrets of the endpoints that this machine sends to."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._keyring = Keyring.from_environment(environment)
        self._known: dict[str, Sequence[str]] = {}

    def of(self, url: str, *, fresh: bool) -> Sequence[str]:
        """Return the secrets of the endpoint with this URL.

        Raises:
            CommandFailedError: the database does not answer.
            WrongKeyError: SECRETS_KEY does not open them.
        """
        if fresh or not self._known.get(url):
            self._known[url] = self._read(url)
        return self._known[url]

    def _read(self, url: str) -> Sequence[str]:
        try:
            usual = read_url(url)
        except AutomationsError:  # a Host header that is none
            return ()
        with open_for_changes() as connection:
            found = connection.execute(_BY_URL, [usual]).fetchone()
            return () if found is None else valid_secrets(connection, found[0], self._keyring)
