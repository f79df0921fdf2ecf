"""Where the database and the queue are: `DATABASE_URL` and `BROKER_URL`."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from runtime.environment import SettingError, setting

# `rollcall run` writes the URL of the embedded Postgres here while that server is up.
EMBEDDED_URL_FILE = Path("var/database-url")

DATABASE_URL_TAKES = "a Postgres URL such as postgresql://user:password@host:5432/name"
BROKER_URL_TAKES = (
    "a Postgres URL, or one or several RabbitMQ URLs such as amqp://user:password@host:5672/vhost separated by ';'"
)


def database_url(environment: Mapping[str, str]) -> str:
    """Return the Postgres URL to use: `DATABASE_URL`, else that of the embedded Postgres that is running here.

    Raises:
        SettingError: the URL is none of Postgres.
        DatabaseNotSetError: no URL is set and no embedded Postgres is running here.
    """
    set_url = setting(environment, "DATABASE_URL", DATABASE_URL_TAKES, _postgres_url, None)
    if set_url is not None:
        return set_url
    try:
        return EMBEDDED_URL_FILE.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise DatabaseNotSetError from None


class DatabaseNotSetError(SettingError):
    """There is neither a `DATABASE_URL` nor an embedded Postgres that runs here."""

    def __init__(self) -> None:
        Exception.__init__(
            self,
            "DATABASE_URL is not set and no embedded Postgres is running in this folder: "
            "start one with `make run`, or set DATABASE_URL.",
        )
        self.name = "DATABASE_URL"


def broker_url(environment: Mapping[str, str]) -> str:
    """Return the queue's URL: `BROKER_URL`, else the database's.

    Raises:
        SettingError: as `database_url`, or `BROKER_URL` is neither of Postgres nor of RabbitMQ.
    """
    set_url = setting(environment, "BROKER_URL", BROKER_URL_TAKES, _broker_url, None)
    return set_url if set_url is not None else database_url(environment)


def is_postgres(url: str) -> bool:
    """Tell whether a URL is one of Postgres."""
    return urlsplit(url).scheme in {"postgresql", "postgres"}


def _postgres_url(text: str) -> str:
    parts = urlsplit(text)
    if not is_postgres(text) or not (parts.netloc or parts.query):
        raise ValueError
    _ = parts.port  # raises ValueError on nonsense
    return text


def _broker_url(text: str) -> str:
    if is_postgres(text):
        return _postgres_url(text)
    for node in text.split(";"):
        parts = urlsplit(node.strip())
        if parts.scheme not in {"amqp", "amqps"} or not parts.hostname:
            raise ValueError
        _ = parts.port
    return text
