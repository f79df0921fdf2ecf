"""Where keys come from when a receiver starts: the disk, documents that are away, pinned and development keys."""

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from receiver.keys.public_key import read_public_keys
from tests.receiver.conftest import MovableClock, Start
from tests.receiver.key_server import KeyServer
from tests.receiver.keys.asking import OFTEN, is_ready, status
from tests.receiver.running import RunningReceiver, public_pem, wait_until


def test_a_restart_while_the_document_is_away_refuses_nothing(
    watch: Callable[..., RunningReceiver], document: KeyServer, key: RSAPrivateKey, tmp_path: Path
) -> None:
    watch(document)
    wait_until(lambda: any((tmp_path / "keys").glob("*.json")), "the key is on disk")
    document.status = 503
    receiver = watch(document)
    assert status(receiver, key) == 200


def test_a_receiver_that_starts_without_network_keeps_trying_and_heals(
    start: Start, document: KeyServer, key: RSAPrivateKey, clock: MovableClock
) -> None:
    document.status = 503
    receiver = start(settings={"key_urls": (document.url,)}, steady=clock, pace=OFTEN)
    wait_until(lambda: document.fetches > 3, "it keeps trying")
    assert status(receiver, key) == 503
    document.serve_key(public_pem(key))
    wait_until(lambda: is_ready(receiver), "the key is there")
    assert status(receiver, key) == 200


def test_the_first_delivery_fetches_the_key_that_was_not_to_be_had_at_the_start(
    watch: Callable[..., RunningReceiver], document: KeyServer, key: RSAPrivateKey
) -> None:
    document.status = 503
    receiver = watch(document)
    document.serve_key(public_pem(key))
    assert status(receiver, key) == 200


def test_with_pinned_keys_nothing_is_fetched_and_a_foreign_signature_is_refused_at_once(
    start: Start, document: KeyServer, key: RSAPrivateKey, foreign_key: RSAPrivateKey
) -> None:
    pinned = read_public_keys(public_pem(key))
    receiver = start(settings={"key_urls": (document.url,), "public_keys": pinned})
    assert [status(receiver, foreign_key), status(receiver, key), status(receiver, foreign_key)] == [401, 200, 401]
    assert document.fetches == 0


def test_a_development_key_counts_beside_the_fetched_ones(
    watch: Callable[..., RunningReceiver], document: KeyServer, key: RSAPrivateKey, foreign_key: RSAPrivateKey
) -> None:
    [dev_key] = read_public_keys(public_pem(foreign_key))
    receiver = watch(document, dev_key=dev_key)
    assert status(receiver, foreign_key) == 200
    wait_until(lambda: status(receiver, key) == 200, "the document's key counts")


def test_with_the_development_key_alone_a_foreign_signature_can_not_be_told(
    watch: Callable[..., RunningReceiver], second: KeyServer, key: RSAPrivateKey, foreign_key: RSAPrivateKey
) -> None:
    [dev_key] = read_public_keys(public_pem(key))
    receiver = watch(second, dev_key=dev_key)
    assert (status(receiver, key), status(receiver, foreign_key)) == (200, 503)
