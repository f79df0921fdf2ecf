"""Whether a Rollcall answers at a URL."""

import json
from urllib.parse import urlsplit

import httpx2

from runtime.outgoing.client import WayOut, open_waiting_client
from runtime.outgoing.unusable import UnusableVariableError

# Seconds. The vendor waits for three.
_SECONDS = 3.0
# Bytes of an answer that are looked at.
_MOST_BYTES = 4096


def why_not_answering(url: str, way_out: WayOut) -> str | None:
    """Return why deliveries to a URL do not arrive; None if they do.

    Args:
        url: what is registered.
        way_out: the proxies and certificates to use.
    """
    host = urlsplit(url).hostname
    try:
        with (
            open_waiting_client(way_out, timeout=httpx2.Timeout(_SECONDS), headers={"user-agent": "rollcall"}) as http,
            http.stream("POST", url, content=b"") as response,
        ):
            content = bytearray()
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > _MOST_BYTES:
                    break
            status = response.status_code
    except UnusableVariableError as error:
        return f"{host} can't be reached: {error}"
    except Exception as error:  # noqa: BLE001 - a bad answer can fail in any layer of the client
        return (
            f"{host} does not answer ({type(error).__name__}) within {_SECONDS:g} s: see that the receiver runs and "
            "that the URL leads to it"
        )
    if status == httpx2.codes.UNAUTHORIZED and _is_ours(bytes(content)):
        return None
    return (
        f"{host} answers a request without a signature with status {status}, where Rollcall answers 401: see that the "
        "URL leads to the receiver, and that nothing in between asks for a login"
    )


def _is_ours(content: bytes) -> bool:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and isinstance(answer.get("error"), str)
