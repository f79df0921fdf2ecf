"""The settings of the web console."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from automations.secrets_key import ROLLCALL_SECRETS_KEY_FILE, SECRETS_KEY, key_bytes_of
from console.pages.entrance.password import CONSOLE_PASSWORD_HASH, PasswordHash
from runtime.addresses import DATABASE_URL, database_url
from runtime.listening import is_loopback
from runtime.setting_error import SettingError
from runtime.settings import (
    CONSOLE_HOST,
    CONSOLE_PORT,
    CONSOLE_ROLES,
    CONSOLE_TRUST_HEADER,
    CONSOLE_TRUST_NETWORKS,
    CONSOLE_URL,
    METRICS_HOST,
    METRICS_PORT,
    Network,
)
from runtime.var_folder import VarFolder
from workers.queue.broker_address import broker_url

_A_LOGIN = (
    "set CONSOLE_PASSWORD_HASH (`rollcall console password` makes it), or CONSOLE_TRUST_HEADER with "
    "CONSOLE_TRUST_NETWORKS and CONSOLE_ROLES"
)


class ConsoleCantStartError(Exception):
    """The console would be open to others. The message is one line: why, and what to set."""


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """The settings of the web console.

    Attributes:
        database_url: where the tables are.
        host: where it listens.
        port: likewise.
        url: its address as browsers have it, without a path.
        password: the password's hash, if there is one.
        trust_header: the header in which a proxy names the user.
        trust_networks: where that proxy is.
        roles: the roles of the proxy's users.
        keys: of `SECRETS_KEY`.
        link_file: where the one-time link's digest is; None where there are no links.
        has_queue: whether deliveries wait in the same database.
        metrics_host: the address that the metrics are served on.
        metrics_port: where the metrics are served: the fourth port after `METRICS_PORT`.
    """

    database_url: str = field(repr=False)  # may hold a password
    host: str
    port: int
    url: str
    password: PasswordHash | None = field(repr=False)
    trust_header: str | None
    trust_networks: tuple[Network, ...]
    roles: Mapping[str, str] = field(repr=False)  # names of people
    keys: tuple[bytes, ...] = field(repr=False)
    link_file: Path | None
    has_queue: bool
    metrics_host: str
    metrics_port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ConsoleSettings":
        """Read the settings.

        Raises:
            SettingError: a variable has a value that it does not take.
            ConsoleCantStartError: there is no login, or no key to sign cookies with.
        """
        settings = cls(
            database_url=database_url(environment),
            host=CONSOLE_HOST.of(environment),
            port=CONSOLE_PORT.of(environment),
            url=CONSOLE_URL.of(environment) or _own_address(environment),
            password=CONSOLE_PASSWORD_HASH.of(environment),
            trust_header=CONSOLE_TRUST_HEADER.of(environment),
            trust_networks=CONSOLE_TRUST_NETWORKS.of(environment),
            roles=CONSOLE_ROLES.of(environment),
            keys=key_bytes_of(environment),
            link_file=VarFolder.of(environment).console_link if is_embedded(environment) else None,
            has_queue=broker_url(environment) == database_url(environment),
            metrics_host=METRICS_HOST.of(environment),
            metrics_port=METRICS_PORT.of(environment) + 4,
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Refuse what would let anybody in.

        Raises:
            SettingError: a header is trusted from any sender.
            ConsoleCantStartError: there is no login, or no key to sign cookies with.
        """
        if self.trust_header is not None and not self.trust_networks:
            raise SettingError(
                CONSOLE_TRUST_NETWORKS.name, f"{CONSOLE_TRUST_NETWORKS.takes}, with CONSOLE_TRUST_HEADER"
            )
        if not self.keys:
            raise ConsoleCantStartError(
                f"The console needs {SECRETS_KEY.name} to sign its cookies: "
                "`rollcall endpoints add` prints a fresh one."
            )
        has_login = self.password is not None or self.trust_header is not None
        if not is_loopback(self.host) and not (has_login and self.url.startswith("https:")):
            raise ConsoleCantStartError(
                f"{CONSOLE_HOST.name} is not just this machine: {_A_LOGIN}, "
                f"and let {CONSOLE_URL.name} be an https address."
            )
        if not has_login and self.link_file is None:
            raise ConsoleCantStartError(f"The console has no login: {_A_LOGIN}.")


def is_embedded(environment: Mapping[str, str]) -> bool:
    """Return whether the embedded Postgres is in use."""
    return DATABASE_URL.name not in environment or ROLLCALL_SECRETS_KEY_FILE.of(environment) is not None


def console_address(environment: Mapping[str, str]) -> str:
    """Return the console's address as browsers have it, without a path.

    Raises:
        SettingError: a variable has a value that it does not take.
    """
    return CONSOLE_URL.of(environment) or _own_address(environment)


def _own_address(environment: Mapping[str, str]) -> str:
    host = CONSOLE_HOST.of(environment)
    return f"http://{f'[{host}]' if ':' in host else host}:{CONSOLE_PORT.of(environment)}"
