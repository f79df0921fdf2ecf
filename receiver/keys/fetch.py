"""One look at a key document over HTTP: no redirects, nothing large, nothing slow."""

import asyncio

import httpx

from receiver.keys.document import read_key_document
from receiver.keys.public_key import PublicKey, UnfitKeyError
from receiver.refusal import ReceiverError

MOST_BYTES = 64 * 1024
SECONDS = 5.0


class KeyFetchError(ReceiverError):
    """A key document gave no good keys. The message says why, without quoting the document."""


def open_client() -> httpx.AsyncClient:
    """Return the client for all fetches of a process; making one costs tens of milliseconds."""
    return httpx.AsyncClient(
        follow_redirects=False,
        timeout=httpx.Timeout(SECONDS, connect=3.0),
        headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "rollcall"},
    )


async def fetch_keys(client: httpx.AsyncClient, url: str) -> tuple[PublicKey, ...]:
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
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise KeyFetchError(f"it can't be reached ({type(error).__name__})") from None


async def _content(client: httpx.AsyncClient, url: str) -> bytes:
    async with client.stream("GET", url) as response:
        if response.status_code != httpx.codes.OK:
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
