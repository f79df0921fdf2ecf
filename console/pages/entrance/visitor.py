"""Who is asking: by the session's cookie, or by the header of a proxy that is trusted."""

import json
from dataclasses import dataclass
from ipaddress import ip_address

from cryptography.fernet import InvalidToken
from starlette.requests import HTTPConnection
from starlette.responses import Response

from console.pages.entrance.keys import ConsoleKeys
from console.pages.entrance.roles import Role
from console.pages.settings import ConsoleSettings

# Seconds that a login lasts.
SESSION_SECONDS = 12 * 3600
_ANYONE_ELSE = "*"
_MOST_NAME = 200


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is in.

    Attributes:
        user: `link`, `password`, or the name that a proxy gives.
        role: what they may see and do.
        address: where they ask from.
        has_session: whether a cookie says so, which logging out removes.
    """

    user: str
    role: Role
    address: str
    has_session: bool


class UnknownUserError(Exception):
    """A proxy names a user that `CONSOLE_ROLES` has no role for."""


class Doorkeeper:
    """Tells who is asking, and gives out cookies."""

    def __init__(self, settings: ConsoleSettings, keys: ConsoleKeys) -> None:
        self._settings = settings
        self._keys = keys
        self._is_https = settings.url.startswith("https:")
        self._cookie = "__Host-rollcall" if self._is_https else "rollcall"

    def visitor(self, connection: HTTPConnection) -> Visitor | None:
        """Return who is asking; None if they have to log in.

        Raises:
            UnknownUserError: a trusted proxy names a user without a role.
        """
        address = address_of(connection)
        return self._by_header(connection, address) or self._by_cookie(connection, address)

    def welcome(self, response: Response, user: str) -> None:
        """Give somebody who has logged in a cookie."""
        token = self._keys.cookies.encrypt(json.dumps({"user": user, "role": Role.OPERATE}).encode())
        response.set_cookie(
            self._cookie, token.decode(), max_age=SESSION_SECONDS, path="/", secure=self._is_https, httponly=True,
            samesite="lax",
        )  # fmt: skip

    def say_goodbye(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(self._cookie, path="/", secure=self._is_https, httponly=True, samesite="lax")

    def _by_header(self, connection: HTTPConnection, address: str) -> Visitor | None:
        name = self._settings.trust_header
        if name is None or not self._is_trusted(address):
            return None
        said = connection.headers.getlist(name)
        if not said:
            return None
        user = said[0].strip()
        role = self._settings.roles.get(user) or self._settings.roles.get(_ANYONE_ELSE)
        if len(said) > 1 or not user or len(user) > _MOST_NAME or user == _ANYONE_ELSE or role is None:
            raise UnknownUserError
        return Visitor(user, Role(role), address, has_session=False)

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self._settings.trust_networks)

    def _by_cookie(self, connection: HTTPConnection, address: str) -> Visitor | None:
        token = connection.cookies.get(self._cookie)
        if token is None:
            return None
        try:
            said = json.loads(self._keys.cookies.decrypt(token, ttl=SESSION_SECONDS))
            return Visitor(said["user"], Role(said["role"]), address, has_session=True)
        except (InvalidToken, ValueError, KeyError, TypeError, UnicodeError):
            return None


def address_of(connection: HTTPConnection) -> str:
    """Return the address that opened the connection: a proxy's, where one stands before us."""
    return connection.client.host if connection.client else ""
