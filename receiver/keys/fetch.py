"""One look at a key document over HTTP: no redirects, nothing large, nothing slow."""

import asyncio
import ssl

import httpx2

from receiver.keys.document import read_key_document
from receiver.keys.public_key import PublicKey, UnfitKeyError
from receiver.refusal import ReceiverError
from runtime.outgoing.client import WayOut, open_client
from runtime.outgoing.unusable import UnusableVariableError

MOST_BYTES = 64 * 1024
SECONDS = 5.0


class KeyFetchError(ReceiverError):
    """A key document gave no good keys. The message says why, without quoting the document."""


def open_key_client(way_out: WayOut) -> httpx2.AsyncClient:
    """Return the client for all fetches of a process."""
    return open_client(
        way_out,
        timeout=httpx2.Timeout(SECONDS, connect=3.0),
        headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "rollcall"},
    )


async def fetch_keys(client: httpx2.AsyncClient, url: str) -> tuple[PublicKey, ...]:
    """Return the keys of the document at `url`, at least one.

    Raises:
        KeyFetchError: it is away, slow, large, redirects, or is no key document.
    """
    try:
        async with asyncio.timeout(SECONDS):
            return read_key_document(await _content(client, url))
    except TimeoutError:
        raise KeyFetchError(f"it was not there within {SECONDS:g} s") from None
    except UnfitKeyError as error:
        raise KeyFetchError(str(error)) from None
    except KeyFetchError:
        raise
    except UnusableVariableError:
        # Which one has been said at the start, and doctor says it too.
        raise KeyFetchError("a variable for proxies or certificates stands in the way") from None
    except httpx2.ProxyError:
        raise KeyFetchError("the proxy on the way to it does not let us through") from None
    except Exception as error:  # noqa: BLE001 - what a server or a proxy sends can make any layer of the client fail
        raise KeyFetchError(f"it can't be reached ({_why(error)})") from None


async def _content(client: httpx2.AsyncClient, url: str) -> bytes:
    async with client.stream("GET", url) as response:
        if response.status_code != httpx2.codes.OK:
            raise KeyFetchError(f"it answers with status {response.status_code}")
        # Unpacking has no bound of its own: a few KB can hold gigabytes.
        if response.headers.get("content-encoding", "identity") != "identity":
            raise KeyFetchError("it comes compressed although it was asked for plain")
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > MOST_BYTES:
                raise KeyFetchError(f"it is larger than {MOST_BYTES} bytes")
        return bytes(content)


def _why(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
