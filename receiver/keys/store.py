"""Stores the key documents on disk, so that a restart while a document is unreachable refuses nothing."""

import contextlib
import hashlib
import os
import tempfile
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from receiver.keys.document import KeyDocument, KnownKey
from receiver.keys.public_key import UnfitKeyError, read_public_keys
from runtime.own_files import check_own, make_folder, read_own
from runtime.safe_folders import PRIVATE

_log = structlog.get_logger(__name__)


class _StoredKey(msgspec.Struct):
    pem: str
    missing_since: datetime | None


class _StoredDocument(msgspec.Struct):
    url: str
    answered_at: datetime | None
    asked_at: datetime | None
    silent_since: datetime | None
    keys: list[_StoredKey]


_decoder = msgspec.json.Decoder(_StoredDocument)


class KeyStore:
    """One file per document in a folder, replaced atomically, shared by the processes of a receiver.

    Disk errors are logged and have no other effect: the keys in memory are used.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, url: str) -> KeyDocument:
        """Return the stored document; an empty one if none can be read."""
        path = self._path(url)
        try:
            stored = _decoder.decode(read_own(path))
            known = {}
            for entry in stored.keys:
                for key in read_public_keys(entry.pem):
                    known[key.fingerprint] = KnownKey(key, entry.missing_since)
        except FileNotFoundError:
            return KeyDocument(url)
        except (OSError, msgspec.MsgspecError, ValueError, UnfitKeyError) as error:
            _log.warning("stored_keys_unreadable", file=path.name, error=type(error).__name__)
            return KeyDocument(url)
        return KeyDocument(url, known, stored.answered_at, stored.asked_at, stored.silent_since)

    def snapshot(self, document: KeyDocument) -> bytes:
        """Return a document as the bytes that `save` writes."""
        keys = [_StoredKey(known.key.pem, known.missing_since) for known in document.known.values()]
        stored = _StoredDocument(document.url, document.answered_at, document.asked_at, document.silent_since, keys)
        return msgspec.json.format(msgspec.json.encode(stored))

    def save(self, url: str, snapshot: bytes) -> None:
        """Replace the stored document. Blocks on the disk: call it from a thread."""
        path = self._path(url)
        try:
            make_folder(self._folder, PRIVATE)
            check_own(path)
            descriptor, name = tempfile.mkstemp(prefix=path.stem, suffix=".part", dir=self._folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(snapshot)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(path)
            except OSError:
                with contextlib.suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as error:
            remedy = "free disk space or fix the permissions of the folder keys in VAR_DIR"
            _log.warning("keys_not_stored", file=path.name, error=error.strerror or str(error), remedy=remedy)

    def _path(self, url: str) -> Path:
        return self._folder / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.json"
