"""The forms of a key document, and how long its keys count."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from receiver.keys.document import KeyDocument, read_key_document
from receiver.keys.public_key import PublicKey, UnfitKeyError, read_dev_key, read_public_keys
from receiver.keys.store import KeyStore
from tests.receiver.running import public_pem

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def old(key: RSAPrivateKey) -> PublicKey:
    return PublicKey(key.public_key())


@pytest.fixture(scope="module")
def new(foreign_key: RSAPrivateKey) -> PublicKey:
    return PublicKey(foreign_key.public_key())


def test_both_shapes_with_real_or_literal_line_breaks_give_the_key(old: PublicKey) -> None:
    for pem in (old.pem, old.pem.replace("\n", "\\n"), old.pem.replace("\n", "\r\n"), f"  {old.pem}\n\n"):
        for shape in ({"success": True, "data": {"publicKey": pem, "more": 1}}, {"publicKey": pem}):
            [key] = read_key_document(json.dumps(shape).encode())
            assert key.fingerprint == old.fingerprint


def test_several_keys_in_one_text_all_count(old: PublicKey, new: PublicKey) -> None:
    keys = read_key_document(json.dumps({"publicKey": old.pem + new.pem}).encode())
    assert [key.fingerprint for key in keys] == [old.fingerprint, new.fingerprint]


def test_a_key_is_found_among_headers_and_blocks_without_an_end(old: PublicKey) -> None:
    for text in (f"-----BEGIN X-----\n{old.pem}", f"-----END X-----\n{old.pem}", f"{old.pem}-----BEGIN X-----\nAAAA"):
        assert [key.fingerprint for key in read_public_keys(text)] == [old.fingerprint]


@pytest.mark.parametrize(
    "part",
    [
        "-----BEGIN A",
        "-----BEGIN A-----",
        "-----BEGIN A-----\n-----END B",
        "-----END A",
        "-----END A-----",
        "-----",
        "A ",
    ],
)
def test_a_text_that_is_made_to_be_slow_to_read_is_read_in_passing(part: str) -> None:
    # A second look at each of these for each of them would take days.
    with pytest.raises(UnfitKeyError):
        read_public_keys(part * 1_000_000)


def test_more_keys_than_are_ever_published_are_refused(old: PublicKey) -> None:
    with pytest.raises(UnfitKeyError):
        read_public_keys(old.pem * 21)
    assert len(read_public_keys(old.pem * 20)) == 20


GARBAGE = {
    "nothing": b"",
    "no JSON": b"<html>down for maintenance</html>",
    "a list": b"[]",
    "a number": b"1",
    "no key": b'{"success":true,"data":{}}',
    "null": b'{"data":null,"publicKey":null}',
    "a number as key": b'{"publicKey":1}',
    "no PEM": b'{"publicKey":"secret"}',
    "PEM of nothing": b'{"publicKey":"-----BEGIN PUBLIC KEY-----\\n-----END PUBLIC KEY-----"}',
    "PEM of noise": b'{"publicKey":"-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----"}',
    "not UTF-8": b'{"publicKey":"\xff\xfe"}',
    "lone surrogate": b'{"publicKey":"\\ud800"}',
    "deep": b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep and open": b"[" * 60_000,
}


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_no_key_document(content: bytes) -> None:
    with pytest.raises(UnfitKeyError):
        read_key_document(content)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_key_document_or_unfit(content: bytes) -> None:
    with pytest.raises(UnfitKeyError):
        read_key_document(content)


def test_keys_that_are_not_rsa_or_too_small_are_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    for unfit in (curve, small):
        pem = unfit.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        with pytest.raises(UnfitKeyError):
            read_public_keys(pem)


def test_a_development_key_is_read_from_its_private_or_public_half(
    tmp_path: Path, key: RSAPrivateKey, old: PublicKey
) -> None:
    path = tmp_path / "dev-key.pem"
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        path.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
        assert read_dev_key(path).fingerprint == old.fingerprint
    path.write_text(public_pem(key))
    assert read_dev_key(path).fingerprint == old.fingerprint
    path.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(UnfitKeyError):
        read_dev_key(path)


def fingerprints(document: KeyDocument) -> list[str]:
    return [key.fingerprint for key in document.counting_keys()]


def test_an_old_key_counts_until_its_document_has_been_without_it_for_a_day(old: PublicKey, new: PublicKey) -> None:
    document = KeyDocument("url")
    document.answered((old,), START, 1)
    for hour in range(1, 25):
        document.answered((new,), START + hour * HOUR, 1 + hour)
        assert fingerprints(document) == [new.fingerprint, old.fingerprint]
    document.answered((new,), START + 25 * HOUR, 26)
    assert fingerprints(document) == [new.fingerprint]


def test_the_day_begins_when_the_document_is_first_seen_without_the_key_not_when_it_was_last_seen_with_it(
    old: PublicKey, new: PublicKey
) -> None:
    document = KeyDocument("url")
    document.answered((old,), START, 1)
    document.answered((new,), START + 72 * HOUR, 2)
    assert old.fingerprint in fingerprints(document)


def test_a_key_that_comes_back_counts_as_new(old: PublicKey, new: PublicKey) -> None:
    document = KeyDocument("url")
    for hour, key in ((0, old), (1, new), (23, old), (26, new)):
        document.answered((key,), START + hour * HOUR, hour + 1)
    assert old.fingerprint in fingerprints(document)


def test_a_document_that_is_away_keeps_its_keys_for_ever(old: PublicKey) -> None:
    document = KeyDocument("url")
    document.answered((old,), START, 1)
    for hour in range(1, 100):
        document.failed(START + hour * HOUR)
    assert fingerprints(document) == [old.fingerprint]


def test_a_look_that_was_overtaken_by_a_younger_one_changes_nothing(old: PublicKey, new: PublicKey) -> None:
    document = KeyDocument("url")
    document.answered((new,), START, 2)
    document.answered((old,), START, 1)
    assert fingerprints(document) == [new.fingerprint]
    assert document.latest_look == 2


def test_a_document_is_silent_for_a_day_only_when_it_was_asked_all_day(old: PublicKey) -> None:
    document = KeyDocument("url")
    document.answered((old,), START, 1)
    assert not document.is_silent_for_a_day()
    for hour in range(1, 26):
        assert not document.is_silent_for_a_day()
        document.failed(START + hour * HOUR)
    assert document.is_silent_for_a_day()
    document.answered((old,), START + 26 * HOUR, 2)
    assert not document.is_silent_for_a_day()


def test_a_receiver_that_did_not_run_does_not_count_as_a_silent_document(old: PublicKey) -> None:
    document = KeyDocument("url")
    document.failed(START)
    document.failed(START + 48 * HOUR)
    assert not document.is_silent_for_a_day()


@pytest.mark.parametrize("pause", [timedelta(days=-9_000), timedelta(0), timedelta(days=9_000)])
def test_the_time_in_which_no_process_ran_counts_for_nothing(old: PublicKey, new: PublicKey, pause: timedelta) -> None:
    document = KeyDocument("url")
    document.answered((old,), START, 1)
    document.answered((new,), START + HOUR, 2)
    for hour in range(2, 13):
        document.failed(START + hour * HOUR)
    document.resume(START + 12 * HOUR + pause)
    document.failed(START + 25 * HOUR + pause)
    assert not document.is_silent_for_a_day()
    assert fingerprints(document) == [new.fingerprint, old.fingerprint]
    document.answered((new,), START + 24 * HOUR + pause, 3)
    assert fingerprints(document) == [new.fingerprint, old.fingerprint]
    document.answered((new,), START + 25 * HOUR + pause, 4)
    assert fingerprints(document) == [new.fingerprint]


def test_what_is_stored_comes_back_as_it_was(tmp_path: Path, old: PublicKey, new: PublicKey) -> None:
    store = KeyStore(tmp_path / "keys")
    document = KeyDocument("https://vendor.example/keys")
    document.answered((old,), START, 1)
    document.answered((new,), START + HOUR, 2)
    document.failed(START + 2 * HOUR)
    store.save(document.url, store.snapshot(document))
    again = store.load(document.url)
    assert fingerprints(again) == fingerprints(document)
    assert again.known[old.fingerprint].missing_since == START + HOUR
    assert (again.answered_at, again.asked_at) == (START + HOUR, START + 2 * HOUR)
    assert again.silent_since == START + 2 * HOUR
    assert not fingerprints(store.load("https://another.example/keys"))


@pytest.mark.parametrize("damage", [lambda content: content[:-20], lambda _: b"", lambda _: b"\xff", lambda _: b"{}"])
def test_a_damaged_file_counts_as_none(tmp_path: Path, old: PublicKey, damage: Callable[[bytes], bytes]) -> None:
    store = KeyStore(tmp_path)
    document = KeyDocument("url")
    document.answered((old,), START, 1)
    store.save("url", store.snapshot(document))
    [path] = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert not fingerprints(store.load("url"))


def test_a_folder_that_can_not_be_written_to_stops_nothing(tmp_path: Path, old: PublicKey) -> None:
    (tmp_path / "file").write_text("in the way")
    store = KeyStore(tmp_path / "file")
    document = KeyDocument("url")
    document.answered((old,), START, 1)
    store.save("url", store.snapshot(document))
    assert not fingerprints(store.load("url"))
