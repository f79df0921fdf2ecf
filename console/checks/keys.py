"""The keys for verifying signatures: pinned, from the vendor's documents, and the development key."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from console.checks.finding import Finding, bad, doubtful, good
from console.checks.settings import receiver_settings
from console.failure import CommandFailedError
from console.samples.dev_key import read_dev_key
from receiver.keys.fetch import KeyFetchError, fetch_keys, open_key_client
from receiver.keys.store import KeyStore
from receiver.settings import ReceiverSettings
from runtime.environment import SettingError
from runtime.outgoing.client import WayOut
from runtime.var_folder import VarFolder

_SECONDS = 2.5


def check_keys(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check the keys that a receiver started here would have."""
    try:
        settings = receiver_settings(environment)
    except SettingError as error:
        yield bad("keys", f"can't be checked: {error}")
        return
    if settings.public_keys:
        yield good("keys", f"{_keys(len(settings.public_keys))} pinned by WEBHOOK_PUBLIC_KEYS; nothing is fetched")
    else:
        yield _check_documents(settings, is_tryout="DATABASE_URL" not in environment)
    if "DATABASE_URL" not in environment:
        yield _check_dev_key(VarFolder.of(environment).development_key)


def _check_documents(settings: ReceiverSettings, *, is_tryout: bool) -> Finding:
    fetched = asyncio.run(_fetch_all(settings.key_urls, settings.way_out))
    store = KeyStore(settings.var_folder.keys)
    said, known, silent = [], 0, 0
    for url, found in zip(settings.key_urls, fetched, strict=True):
        host = urlsplit(url).hostname
        if isinstance(found, int):
            said.append(f"{host} answers with {_keys(found)}")
            known += found
            continue
        silent += 1
        document = store.load(url)
        kept = len(document.counting_keys())
        known += kept
        since = f" since {document.answered_at:%Y-%m-%d %H:%M} UTC" if kept and document.answered_at else ""
        said.append(f"{host} does not answer ({found}), {_keys(kept) if kept else 'none'} stored from it{since}")
    says = "; ".join(said)
    if not known:
        says = (
            f"none of the vendor's, so its deliveries get 503: {says}. Allow this machine to reach the documents in "
            "WEBHOOK_KEY_URLS, or pin the keys with WEBHOOK_PUBLIC_KEYS."
        )
        # With the embedded database it may only be meant for samples.
        return doubtful("keys", says) if is_tryout else bad("keys", says)
    return doubtful("keys", says) if silent else good("keys", says)


async def _fetch_all(urls: tuple[str, ...], way_out: WayOut) -> list[int | str]:
    """Return for each document its number of keys, or why it has none."""

    async def fetch(url: str) -> int | str:
        try:
            async with asyncio.timeout(_SECONDS):
                return len(await fetch_keys(client, url))
        except TimeoutError:
            return f"it did not arrive within {_SECONDS:g} s"
        except KeyFetchError as error:
            return str(error).rstrip(".")

    async with open_key_client(way_out) as client:
        return await asyncio.gather(*(fetch(url) for url in urls))


def _check_dev_key(path: Path) -> Finding:
    try:
        read_dev_key(path)
    except (CommandFailedError, OSError) as error:
        return bad("development key", str(error))
    return good("development key", f"{path}, which `rollcall sample` signs with")


def _keys(number: int) -> str:
    return f"{number} {'key' if number == 1 else 'keys'}"
