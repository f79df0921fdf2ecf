"""The address of the queue: `BROKER_URL`. Anything libpq or Pika accepts works, as in `runtime.addresses`."""

import re
from collections.abc import Mapping

from runtime.addresses import PERCENT_ENCODED, database_url, in_utf8, is_postgres, is_torn, postgres_url
from runtime.outgoing.certificates import Certificates
from runtime.setting import Setting
from runtime.setting_error import SettingError
from workers.queue.broker_tls import TLS_TAKES, TlsOptionError, with_tls

BROKER_URL_TAKES = (
    "a Postgres URL, or one or several RabbitMQ URLs such as amqp://user:password@host:5672/vhost separated by ';', "
    f"{PERCENT_ENCODED}"
)


def broker_url(environment: Mapping[str, str]) -> str:
    """Return the queue's URL: `BROKER_URL`, by default the database's.

    A RabbitMQ URL with TLS is returned with its options in Pika's form, and the environment's authorities by default.

    Raises:
        SettingError: as `database_url`, or `BROKER_URL` is neither a Postgres nor a RabbitMQ URL.
    """
    set_url = BROKER_URL.of(environment)
    if set_url is None:
        return database_url(environment)
    if is_postgres(set_url):
        return set_url
    certificates = Certificates.from_environment(environment)
    nodes = amqp_nodes(set_url)
    with_options = [with_tls(node, certificates) for node in nodes]
    return set_url if with_options == nodes else ";".join(with_options)


def amqp_nodes(url: str) -> list[str]:
    """Return the URLs of a RabbitMQ cluster's nodes, at least one."""
    return [node.strip() for node in url.split(";") if node.strip()]


def _broker_url(text: str) -> str:
    if is_postgres(text):
        return postgres_url(text)
    text = in_utf8(text)
    for node in amqp_nodes(text):
        _check_node(node)
    return text


def _check_node(node: str) -> None:
    from pika import URLParameters  # noqa: PLC0415 - slow to import and only needed for RabbitMQ

    if is_postgres(node) or "#" in node:  # Pika would ignore everything after a `#`
        raise ValueError
    rest = node.partition("://")[2]
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    # Pika reads everything before the last `@` of this part as user and password.
    user, at, _ = authority.rpartition("@")
    if is_torn(user + at, rest.removeprefix(user + at)):
        raise ValueError
    try:
        node = with_tls(node, Certificates())
    except TlsOptionError:
        raise SettingError("BROKER_URL", TLS_TAKES) from None
    try:
        URLParameters(node)
    except Exception:  # noqa: BLE001 - it parses Python literals and reads files: any error, possibly quoting the value
        raise ValueError from None


BROKER_URL: Setting[str | None] = Setting("BROKER_URL", BROKER_URL_TAKES, None, _broker_url)
