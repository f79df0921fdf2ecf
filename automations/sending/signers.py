"""Opens the secrets of endpoints, and says so where `SECRETS_KEY` does not open them."""

from collections.abc import Mapping, Sequence

import structlog

from automations.secrets import Keyring, WrongKeyError
from automations.sending.signature import Signer

_log = structlog.get_logger(__name__)


class Signers:
    """The signers of the endpoints that this process sends to.

    Attributes:
        unopened: the encrypted secrets that no key opens, by endpoint.
    """

    def __init__(self, keyring: Keyring) -> None:
        """Open secrets with the keys of `keyring`."""
        self._keyring = keyring
        self._made: dict[str, tuple[Sequence[str], Signer]] = {}
        self.unopened: dict[str, Sequence[str]] = {}

    def signer(self, endpoint_id: str, secrets: Sequence[str]) -> Signer | None:
        """Return what signs for an endpoint; None if one of its secrets can't be opened, or it has none."""
        made = self._made.get(endpoint_id)
        if made is not None and made[0] == secrets:
            return made[1]
        try:
            signer = Signer([self._keyring.decrypt(secret) for secret in secrets]) if secrets else None
        except WrongKeyError as error:
            signer, problem = None, str(error)
        else:
            problem = "The endpoint has no secret: give it one with `rollcall endpoints rotate`."
        if signer is None:
            self._made.pop(endpoint_id, None)
            if self.unopened.get(endpoint_id) != secrets:
                _log.error("secret_unopened", endpoint=endpoint_id, problem=problem)
            self.unopened[endpoint_id] = secrets
            return None
        self.unopened.pop(endpoint_id, None)
        self._made[endpoint_id] = (secrets, signer)
        return signer

    def still_unopened(self, secrets: Mapping[str, Sequence[str]]) -> frozenset[str]:
        """Return the endpoints whose secrets are still those that can't be opened."""
        self.unopened = {one: tokens for one, tokens in self.unopened.items() if secrets.get(one, ()) == tokens}
        return frozenset(self.unopened)
