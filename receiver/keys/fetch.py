"""Fetches a key document over HTTP: no redirects, with limits of size and time."""

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
    """A key document returned no valid keys. The message says why, without quoting the document."""


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
        KeyFetchError: it is unreachable, too slow or too large, redirects, or is not a key document.
    """
    try:
        async with asyncio.timeout(SECONDS):
            return read_key_document(await _content(client, url))
    except TimeoutError:
        raise KeyFetchError(f"it did not arrive within {SECONDS:g} s") from None
    except UnfitKeyError as error:
        raise KeyFetchError(str(error)) from None
    except KeyFetchError:
        raise
    except UnusableVariableError:
        # Which one is logged at startup, and reported by doctor.
        raise KeyFetchError("a proxy or certificate variable can't be used") from None
    except httpx2.ProxyError:
        raise KeyFetchError("the proxy refuses the connection") from None
    except Exception as error:  # noqa: BLE001 - a bad response can fail in any layer of the client
        raise KeyFetchError(f"it can't be reached ({_why(error)})") from None


async def _content(client: httpx2.AsyncClient, url: str) -> bytes:
    async with client.stream("GET", url) as response:
        if response.status_code != httpx2.codes.OK:
            raise KeyFetchError(f"it answers with status {response.status_code}")
        # Decompression is unbounded: a few KB can expand to gigabytes.
        if response.headers.get("content-encoding", "identity") != "identity":
            raise KeyFetchError("it is compressed although plain content was requested")
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
