"""The HTTP client for what this process sends, on the way that the environment names."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from runtime.outgoing.certificates import Certificates
from runtime.outgoing.proxies import Proxies
from runtime.outgoing.unusable import UnusableVariableError


@dataclass(frozen=True, slots=True)
class WayOut:
    """Through which proxies, and trusting which authorities."""

    proxies: Proxies = field(default_factory=Proxies)
    certificates: Certificates = field(default_factory=Certificates)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "WayOut":
        """Read the variables that the system's tools share. What is wrong with one shows when it is needed."""
        return cls(Proxies.from_environment(environment), Certificates.from_environment(environment))

    def problems(self) -> list[UnusableVariableError]:
        """Return what of it can't be used now, each variable once."""
        return [*self.proxies.problems(), *self.certificates.problems()]


def open_client(way_out: WayOut, *, timeout: httpx2.Timeout, headers: Mapping[str, str]) -> httpx2.AsyncClient:
    """Return a client that follows no redirects; one for all requests of a process.

    A request raises `UnusableVariableError` where its way needs a variable that can't be used; the next one looks
    again, as the file that it names may have come.

    Args:
        way_out: what the environment names.
        timeout: see `httpx2.Timeout`, seconds.
        headers: sent with every request.
    """
    return httpx2.AsyncClient(
        transport=_ByWay(way_out), trust_env=False, follow_redirects=False, timeout=timeout, headers=headers
    )


class _ByWay(httpx2.AsyncBaseTransport):
    """A transport for each way that is in use, made when it is first needed: a TLS context takes tens of ms."""

    def __init__(self, way_out: WayOut) -> None:
        self._way_out = way_out
        self._transports: dict[tuple[str, str | None], httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        way = (request.url.scheme, self._way_out.proxies.proxy_for(request.url))
        if way not in self._transports:
            self._transports[way] = self._make(*way)
        return await self._transports[way].handle_async_request(request)

    async def aclose(self) -> None:
        for transport in self._transports.values():
            await transport.aclose()

    def _make(self, scheme: str, proxy_url: str | None) -> httpx2.AsyncHTTPTransport:
        proxy = httpx2.Proxy(proxy_url) if proxy_url else None
        to_proxy_by_tls = proxy is not None and proxy.url.scheme == "https"
        # Where nothing is encrypted a bad SSL_CERT_FILE must not stand in the way: a context that trusts nobody.
        context = self._context() if scheme == "https" or to_proxy_by_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if proxy is not None and to_proxy_by_tls:
            proxy.ssl_context = context
        return httpx2.AsyncHTTPTransport(verify=context, proxy=proxy)

    def _context(self) -> ssl.SSLContext:
        return self._way_out.certificates.context() or httpx2.create_ssl_context(trust_env=False)
