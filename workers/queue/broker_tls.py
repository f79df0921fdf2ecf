"""TLS for RabbitMQ: translates the URL options of RabbitMQ's clients into Pika's single option.

Options that weaken the verification of the server's certificate are refused, and so are those without effect.
"""

import ast
import os
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from runtime.addresses import PERCENT_ENCODED
from runtime.outgoing.certificates import Certificates
from runtime.outgoing.unusable import UnusableVariableError

TLS_TAKES = (
    "for RabbitMQ by TLS an amqps URL whose options keep the check of the server's certificate: cacertfile, certfile, "
    "keyfile and password with files that can be read, verify=verify_peer, server_name_indication with a host name, "
    f"{PERCENT_ENCODED}"
)

# RabbitMQ's names (docs: "URI query parameters") and those of Pika's `ssl_options`.
_TO_PIKA = {
    "cacertfile": "ca_certs",
    "certfile": "certfile",
    "keyfile": "keyfile",
    "password": "password",
    "server_name_indication": "server_hostname",
}
_PIKA_OPTION = "ssl_options"
_AUTHORITIES = {"ca_certs", "cafile", "ca_path", "capath", "ca_data", "cadata"}
# Not "protocol" and "ciphers": either could disable verification or encryption.
_SAFE = _AUTHORITIES | {"certfile", "keyfile", "password", "server_hostname"}


class TlsOptionError(ValueError):
    """An option of a RabbitMQ URL weakens TLS, contradicts another one, or can't be used."""


def with_tls(url: str, certificates: Certificates) -> str:
    """Return a RabbitMQ node's URL with its TLS options in Pika's form; one without TLS unchanged.

    Args:
        url: `amqp://…` or `amqps://…`.
        certificates: the authorities to trust if the URL names none.

    Raises:
        TlsOptionError: an option would weaken TLS, or can't be used.
    """
    base, _, query = url.partition("?")
    is_tls = base[:6].lower() == "amqps:"
    options: dict[str, str] = {}
    rest = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name == "verify":
            if value != "verify_peer":
                raise TlsOptionError
        elif name == _PIKA_OPTION:
            _add(options, _read_literal(value))
        elif name in _TO_PIKA:
            _add(options, {_TO_PIKA[name]: value})
        else:
            rest.append((name, value))
            continue
        if not is_tls:
            raise TlsOptionError  # it would have no effect, or add TLS to a URL without it
    if not is_tls:
        return url
    if not _AUTHORITIES & options.keys():
        options |= _authorities(certificates) or (_authorities_of_the_system() if options else {})
    _check_files(options)
    query = urlencode([*rest, (_PIKA_OPTION, repr(options))] if options else rest)
    return f"{base}?{query}" if query else base


def _add(options: dict[str, str], added: Mapping[str, Any]) -> None:
    for name, value in added.items():
        # Erlang's clients accept `disable` to skip verifying the name.
        is_no_name = name == "server_hostname" and value == "disable"
        if name not in _SAFE or name in options or not isinstance(value, str) or not value or is_no_name:
            raise TlsOptionError
        options[name] = value


def _read_literal(text: str) -> dict[str, Any]:
    try:
        options = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise TlsOptionError from None
    if not isinstance(options, dict):
        raise TlsOptionError
    return options


def _check_files(options: Mapping[str, str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    file = options.get("ca_certs") or options.get("cafile")
    data = options.get("ca_data") or options.get("cadata")
    try:
        if file or data:
            context.load_verify_locations(file, None, data)
        if "certfile" in options:
            # Without a password OpenSSL would prompt for one on the terminal.
            context.load_cert_chain(options["certfile"], options.get("keyfile"), options.get("password", ""))
        elif "keyfile" in options:
            raise TlsOptionError
    except (OSError, ValueError):
        raise TlsOptionError from None


def _authorities(certificates: Certificates) -> dict[str, str]:
    try:
        if certificates.context() is None:
            return {}
    except UnusableVariableError:
        return {"ca_path": os.devnull}  # trusts no authority, so connections fail: a warning at startup says why
    named = {"ca_certs": certificates.file, "ca_path": certificates.directories}
    return {name: path for name, path in named.items() if path is not None}


def _authorities_of_the_system() -> dict[str, str]:
    # Pika's defaults without options; once an option is set, they must be named.
    paths = ssl.get_default_verify_paths()
    named = {"ca_certs": paths.cafile, "ca_path": paths.capath}
    return {name: path for name, path in named.items() if path is not None} or {"ca_path": os.devnull}
