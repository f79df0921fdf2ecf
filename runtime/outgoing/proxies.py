"""Which proxy to use for a URL: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from runtime.outgoing.exempt import Exempt, read_address, read_no_proxy
from runtime.outgoing.unusable import UnusableVariableError

_PROXY_PROBLEM = (
    "is not a usable proxy URL: it takes http, https, socks5 or socks5h, "
    "as in http://user:password@proxy.example.com:3128. Correct it, or unset it."
)
_NO_PROXY_PROBLEM = (
    "has an entry that is ignored: it takes host names, addresses and networks such as 10.0.0.0/8 or fd00::/8, "
    "each with an optional port, separated by commas. Correct it, or unset it."
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[\w.:-]+")
_MOST_PORT = 65535

# The proxy's URL, or why it can't be used.
_Leads = str | UnusableVariableError


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies set in the environment.

    Attributes:
        by_scheme: the proxy for URLs of a scheme (http, https).
        exempt: hosts to connect to directly.
        ignored: a variable with an entry that can't be parsed and is ignored.
    """

    by_scheme: Mapping[str, _Leads] = field(default_factory=dict)
    exempt: tuple[Exempt, ...] = ()
    ignored: UnusableVariableError | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Proxies":
        """Read the variables, in lower or upper case; as usual, lower case wins."""
        by_scheme = {}
        for scheme in _DEFAULT_PORTS:
            variable = _variable(environment, f"{scheme}_proxy") or _variable(environment, "all_proxy")
            if variable is not None:
                by_scheme[scheme] = _read_proxy(variable, environment[variable].strip())
        variable = _variable(environment, "no_proxy")
        entries = list(read_no_proxy(environment[variable])) if variable else []
        return cls(
            by_scheme,
            tuple(entry for entry in entries if entry is not None),
            UnusableVariableError(variable, _NO_PROXY_PROBLEM) if variable and None in entries else None,
        )

    def proxy_for(self, url: httpx2.URL) -> str | None:
        """Return the URL of the proxy for `url`, None to connect directly.

        Loopback addresses never use a proxy: unencrypted requests to them would leave this machine.

        Raises:
            UnusableVariableError: a proxy is set and can't be used. Bypassing it could expose what it is meant to hide.
        """
        leads = self.by_scheme.get(url.scheme)
        if leads is None or self._is_exempt(url):
            return None
        if isinstance(leads, UnusableVariableError):
            raise leads
        return leads

    def problems(self) -> list[UnusableVariableError]:
        """Return the variables that can't be used, each once."""
        found = [leads for leads in self.by_scheme.values() if isinstance(leads, UnusableVariableError)]
        if self.ignored is not None:
            found.append(self.ignored)
        return list({error.variable: error for error in found}.values())

    def _is_exempt(self, url: httpx2.URL) -> bool:
        host = url.raw_host.decode("ascii")
        address = read_address(host)
        if host == "localhost" or (address is not None and address.is_loopback):
            return True
        port = url.port or _DEFAULT_PORTS[url.scheme]
        return any(entry.covers(host, port) for entry in self.exempt)


def _variable(environment: Mapping[str, str], name: str) -> str | None:
    return next((written for written in (name, name.upper()) if environment.get(written, "").strip()), None)


def _read_proxy(variable: str, text: str) -> _Leads:
    url = text if "://" in text else f"http://{text}"
    try:
        proxy = httpx2.Proxy(url)
    except (httpx2.InvalidURL, ValueError):
        return UnusableVariableError(variable, _PROXY_PROBLEM)
    port = proxy.url.port
    if not _HOST.fullmatch(proxy.url.host) or (port is not None and not 0 < port <= _MOST_PORT):
        return UnusableVariableError(variable, _PROXY_PROBLEM)
    return url
