"""How messages leave this machine: through the proxy of `AUTOMATIONS_PROXY` or directly, and whom TLS trusts."""

import ssl
from dataclasses import dataclass, field

import httpcore2
import httpx2

from automations.sending.guard import Guard, RefusedError, read_address
from automations.sending.network import GuardedBackend, Names, Resolve
from runtime.outgoing.certificates import Certificates


@dataclass(slots=True)
class Way:
    """Makes the connections of each endpoint.

    Attributes:
        guard: judges the addresses of direct connections.
        proxy: the URL of a proxy for the rest; None for no proxy.
        certificates: authorities to trust besides the system's.
        resolve: looks up names.
    """

    guard: Guard
    proxy: str | None = field(default=None, repr=False)
    certificates: Certificates = field(default_factory=Certificates)
    resolve: Resolve = field(default_factory=lambda: Names().resolve)
    _context: ssl.SSLContext | None = None

    def pool(self, url: httpx2.URL, connections: int, keep: float) -> httpcore2.AsyncConnectionPool:
        """Return a pool of connections to the host of `url`.

        Args:
            url: where they lead.
            connections: how many at the same time.
            keep: seconds that an idle one is kept.

        Raises:
            RefusedError: the URL is none that may be sent to.
            UnusableVariableError: `SSL_CERT_FILE` or `SSL_CERT_DIR` can't be used.
        """
        if url.scheme not in {"https", "http"}:
            raise RefusedError("Messages are sent over https (and http within AUTOMATIONS_ALLOW) only.")
        if url.userinfo:
            raise RefusedError("The URL holds a user or a password, which would end up in logs: remove them.")
        address = read_address(url.host)
        if self.proxy is None or (address is not None and self.guard.is_allowed(address)):
            return httpcore2.AsyncConnectionPool(
                ssl_context=self._tls() if url.scheme == "https" else None,
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=keep,
                network_backend=GuardedBackend(self.guard, url.scheme, self.resolve),
            )
        if address is not None:
            self.guard.check(address, url.scheme)
        elif url.scheme != "https":
            raise RefusedError("Through AUTOMATIONS_PROXY names are sent to over https only.")
        return self._through(httpx2.Proxy(self.proxy), connections, keep)

    def _through(self, proxy: httpx2.Proxy, connections: int, keep: float) -> httpcore2.AsyncConnectionPool:
        where = httpcore2.URL(
            scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
        )
        if proxy.url.scheme.startswith("socks"):
            return httpcore2.AsyncSOCKSProxy(
                proxy_url=where,
                proxy_auth=proxy.raw_auth,
                ssl_context=self._tls(),
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=keep,
            )
        return httpcore2.AsyncHTTPProxy(
            proxy_url=where,
            proxy_auth=proxy.raw_auth,
            proxy_ssl_context=self._tls() if proxy.url.scheme == "https" else None,
            ssl_context=self._tls(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=keep,
        )

    def _tls(self) -> ssl.SSLContext:
        """Return the one context of the process: it takes tens of milliseconds to make."""
        if self._context is None:
            own = self.certificates.context()  # first, since it says what can't be used
            context = ssl.create_default_context()
            paths = ssl.get_default_verify_paths()
            # The variables would replace the system's authorities; here they add to them.
            for file, folder in (
                (paths.openssl_cafile, paths.openssl_capath),
                (self.certificates.file, self.certificates.directories) if own else (None, None),
            ):
                _trust(context, file, folder)
            self._context = context
        return self._context


def _trust(context: ssl.SSLContext, file: str | None, folder: str | None) -> None:
    for options in ({"cafile": file}, {"capath": folder}):
        if any(options.values()):
            try:
                context.load_verify_locations(**options)
            except OSError:
                continue  # a system without this one of its two places
