"""The client for outgoing HTTP, with proxies and certificates from the environment."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from runtime.outgoing.certificates import Certificates
from runtime.outgoing.proxies import Proxies
from runtime.outgoing.unusable import UnusableVariableError


@dataclass(frozen=True, slots=True)
class WayOut:
    """The proxies to use and the certificate authorities to trust."""

    proxies: Proxies = field(default_factory=Proxies)
    certificates: Certificates = field(default_factory=Certificates)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "WayOut":
        """Read the standard proxy and certificate variables. A bad one raises only when it is needed."""
        return cls(Proxies.from_environment(environment), Certificates.from_environment(environment))

    def problems(self) -> list[UnusableVariableError]:
        """Return the variables that can't be used now, each once."""
        return [*self.proxies.problems(), *self.certificates.problems()]


def open_client(way_out: WayOut, *, timeout: httpx2.Timeout, headers: Mapping[str, str]) -> httpx2.AsyncClient:
    """Return a client that follows no redirects; one serves all requests of a process.

    A request raises `UnusableVariableError` if it needs a variable that can't be used. The next request checks again,
    as the file may exist by then.

    Args:
        way_out: the proxies and certificates to use.
        timeout: see `httpx2.Timeout`, seconds.
        headers: sent with every request.
    """
    return httpx2.AsyncClient(
        transport=_ByWay(way_out), trust_env=False, follow_redirects=False, timeout=timeout, headers=headers
    )


def open_waiting_client(way_out: WayOut, *, timeout: httpx2.Timeout, headers: Mapping[str, str]) -> httpx2.Client:
    """Return a client like `open_client`'s whose requests the thread waits for."""
    return httpx2.Client(
        transport=_WaitingByWay(way_out), trust_env=False, follow_redirects=False, timeout=timeout, headers=headers
    )


class _ByWay(httpx2.AsyncBaseTransport):
    """One transport per scheme and proxy, made when first needed: a TLS context takes tens of milliseconds."""

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
        context, proxy = _tls(self._way_out, scheme, proxy_url)
        return httpx2.AsyncHTTPTransport(verify=context, proxy=proxy)


class _WaitingByWay(httpx2.BaseTransport):
    """The same for a client that waits."""

    def __init__(self, way_out: WayOut) -> None:
        self._way_out = way_out
        self._transports: dict[tuple[str, str | None], httpx2.HTTPTransport] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        way = (request.url.scheme, self._way_out.proxies.proxy_for(request.url))
        if way not in self._transports:
            context, proxy = _tls(self._way_out, *way)
            self._transports[way] = httpx2.HTTPTransport(verify=context, proxy=proxy)
        return self._transports[way].handle_request(request)

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()


def _tls(way_out: WayOut, scheme: str, proxy_url: str | None) -> tuple[ssl.SSLContext, httpx2.Proxy | None]:
    """Return the TLS context and the proxy for a scheme and a proxy's URL."""
    proxy = httpx2.Proxy(proxy_url) if proxy_url else None
    to_proxy_by_tls = proxy is not None and proxy.url.scheme == "https"
    # Without TLS a bad SSL_CERT_FILE must not matter: use an empty context.
    if scheme != "https" and not to_proxy_by_tls:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), proxy
    context = way_out.certificates.context() or httpx2.create_ssl_context(trust_env=False)
    if proxy is not None and to_proxy_by_tls:
        proxy.ssl_context = context
    return context, proxy
