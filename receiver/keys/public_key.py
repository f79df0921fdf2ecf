"""RSA public keys: parsed from PEM text and used to verify signatures."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from receiver.refusal import ReceiverError
from receiver.signature import LONGEST_SIGNATURE, SHORTEST_SIGNATURE, SIGNATURE_STEP

_PADDING = PKCS1v15()
_HASH = SHA256()
# Every key is tried on an invalid signature.
MOST_KEYS = 20

_BEGIN, _END, _DASHES = "-----BEGIN ", "-----END ", "-----"


class UnfitKeyError(ReceiverError):
    """A text has no RSA public key that this receiver accepts. The message never quotes the text."""


class PublicKey:
    """An RSA public key that signatures are checked with.

    Attributes:
        pem: the key as normalized PEM text.
        fingerprint: the key's SHA-256 in hexadecimal; identifies it in logs.
    """

    __slots__ = ("_key", "fingerprint", "pem")

    def __init__(self, key: RSAPublicKey) -> None:
        length, rest = divmod(key.key_size, 8)
        if rest or length % SIGNATURE_STEP or not SHORTEST_SIGNATURE <= length <= LONGEST_SIGNATURE:
            raise UnfitKeyError(f"An RSA key has {key.key_size} bits; use one of 2048 to 8192 bits, a multiple of 512.")
        self._key = key
        self.pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
        self.fingerprint = hashlib.sha256(self.pem.encode("ascii")).hexdigest()

    def made(self, signature: bytes, body: bytes) -> bool:
        """Return whether this key made `signature` over exactly these bytes (PKCS#1 v1.5, SHA-256)."""
        try:
            self._key.verify(signature, body, _PADDING, _HASH)
        except InvalidSignature:
            return False
        return True


def read_public_keys(text: str) -> tuple[PublicKey, ...]:
    r"""Return the keys in a PEM text, whose line breaks may be a literal backslash-n; at least one.

    Raises:
        UnfitKeyError: there is none, or one of them is not an RSA key of an accepted size.
    """
    blocks = list(_pem_blocks(text.replace("\\r", "").replace("\\n", "\n")))
    if not blocks:
        raise UnfitKeyError("A public key's text has no PEM block; one starts with BEGIN PUBLIC KEY.")
    if len(blocks) > MOST_KEYS:
        raise UnfitKeyError(f"A text holds {len(blocks)} public keys; at most {MOST_KEYS} are accepted.")
    return tuple(_read_public_key(block) for block in blocks)


def read_dev_key(path: Path) -> PublicKey:
    """Return the public half of the development key in a PEM file, which may hold the private half.

    Raises:
        UnfitKeyError: the file can't be read or has no RSA key of an accepted size.
    """
    try:
        pem = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise UnfitKeyError(f"The development key's file can't be read ({type(error).__name__}).") from None
    if "PRIVATE KEY" not in pem:
        return read_public_keys(pem)[0]
    try:
        public = load_pem_private_key(pem.encode("ascii"), password=None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnfitKeyError("The private key in the development key's file can't be read.") from None
    return _fit(public)


def _pem_blocks(text: str) -> Iterator[str]:
    """Yield the PEM blocks of a text: from each END back to the last BEGIN before it.

    Runs in linear time on any input: the text is untrusted.
    """
    behind = 0
    while (label := text.find(_END, behind)) >= 0 and (dashes := text.find(_DASHES, label + len(_END))) >= 0:
        begin = text.rfind(_BEGIN, behind, label)
        behind = dashes + len(_DASHES)
        if begin >= 0:
            yield text[begin:behind]


def _read_public_key(block: str) -> PublicKey:
    try:
        return _fit(load_pem_public_key(block.encode("utf-8")))
    except (ValueError, UnsupportedAlgorithm):
        raise UnfitKeyError("A PEM block is not a readable public key.") from None


def _fit(key: object) -> PublicKey:
    if not isinstance(key, RSAPublicKey):
        raise UnfitKeyError("A public key is not an RSA key; the vendor signs with RSA.")
    return PublicKey(key)
