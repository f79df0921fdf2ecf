"""Whose signatures are trusted: the vendor's key documents, pinned keys, and the development key."""

from pathlib import Path
from urllib.parse import urlsplit

from receiver.keys.public_key import PublicKey, UnfitKeyError, read_dev_key, read_public_keys
from runtime.listening import is_loopback
from runtime.setting import Setting, comma_separated

VENDOR_KEY_URLS = (
    "https://api.dyte.io/.well-known/webhooks.json",
    "https://api.realtime.cloudflare.com/.well-known/webhooks.json",
)


def _key_urls(text: str) -> tuple[str, ...]:
    # A duplicate document would never be fetched.
    return tuple(dict.fromkeys(_key_url(url) for url in comma_separated(text)))


def _key_url(url: str) -> str:
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError on nonsense
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not is_safe or not parts.hostname:
        raise ValueError
    return url


def _public_keys(text: str) -> tuple[PublicKey, ...]:
    try:
        if "-----BEGIN" in text:
            return read_public_keys(text)
        return tuple(key for path in comma_separated(text) for key in read_public_keys(_content(Path(path))))
    except UnfitKeyError as error:
        raise ValueError from error


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError from error


def _dev_key(text: str) -> PublicKey | None:
    try:
        return read_dev_key(Path(text))
    except UnfitKeyError as error:
        raise ValueError from error


WEBHOOK_KEY_URLS: Setting[tuple[str, ...]] = Setting(
    "WEBHOOK_KEY_URLS",
    "comma-separated https URLs of key documents (http on this host only)",
    VENDOR_KEY_URLS,
    _key_urls,
)
WEBHOOK_PUBLIC_KEYS: Setting[tuple[PublicKey, ...]] = Setting(
    "WEBHOOK_PUBLIC_KEYS",
    "RSA public keys of at least 2048 bits as PEM text, or the path of a file with them",
    (),
    _public_keys,
)
ROLLCALL_DEV_KEY: Setting[PublicKey | None] = Setting(
    "ROLLCALL_DEV_KEY", "the path of a PEM file with an RSA key", None, _dev_key
)
"""An additional trusted key. For `rollcall run` only."""
