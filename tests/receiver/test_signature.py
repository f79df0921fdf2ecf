"""Only the receiver's own error leaves the reading of a signature, whatever the bytes."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.signature import (
    MOST_ID_CHARACTERS,
    MalformedSignatureError,
    NoSignatureError,
    decode_signature,
    read_claim,
)
from workers.queue.delivery import Provider

GOOD = base64.b64encode(bytes(range(256)))

HOSTILE = {
    "empty": b"",
    "blank": b" ",
    "not ascii": "ü".encode() * 172,
    "latin-1": b"\xff" * 344,
    "nul": b"\0" * 344,
    "10 kB": b"A" * 10_240,
    "1 MB": b"A" * 2**20,
    "padding alone": b"=" * 344,
    "no base64": b"!" * 344,
    "url-safe base64": GOOD.replace(b"/", b"_").replace(b"+", b"-"),
    "unpadded": GOOD.rstrip(b"="),
    "padded too much": GOOD + b"====",
    "padded in the middle": GOOD[:100] + b"==" + GOOD[102:],
    "blank within": GOOD[:100] + b" " + GOOD[100:],
    "line break within": GOOD[:76] + b"\n" + GOOD[76:],
    "line break after": GOOD + b"\n",
    "one character": b"A",
    "one byte": base64.b64encode(b"A"),
    "a byte short": base64.b64encode(bytes(255)),
    "a byte long": base64.b64encode(bytes(257)),
    "1024-bit": base64.b64encode(bytes(128)),
    "16384-bit": base64.b64encode(bytes(2048)),
    "something behind": GOOD + b"AAAA",
    "two in one": GOOD + b", " + GOOD,
    "quoted": b'"' + GOOD + b'"',
    "named": b"sha256=" + GOOD,
}


@pytest.mark.parametrize("encoded", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_value_is_a_malformed_signature(encoded: bytes) -> None:
    with pytest.raises(MalformedSignatureError):
        decode_signature(encoded)


def test_blanks_around_a_value_are_no_part_of_it() -> None:
    assert decode_signature(b" \t" + GOOD + b"\t ") == bytes(range(256))
    assert read_claim([(b"dyte-uuid", b" u "), (b"dyte-signature", GOOD)]).delivery_uuid == "u"


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_signature_or_a_malformed_one(encoded: bytes) -> None:
    try:
        decode_signature(encoded)
    except MalformedSignatureError:
        return


@pytest.mark.parametrize("length", [256, 384, 512, 1024])
def test_any_length_of_an_rsa_signature_is_read_as_it_is(length: int) -> None:
    assert decode_signature(base64.b64encode(b"s" * length)) == b"s" * length


_NAMES = st.sampled_from(
    [b"dyte-signature", b"rtk-signature", b"dyte-uuid", b"rtk-uuid", b"dyte-webhook-id", b"rtk-webhook-id", b"host"]
)


@given(st.lists(st.tuples(_NAMES, st.binary(max_size=400) | st.just(GOOD))))
def test_any_headers_are_a_claim_or_refused(headers: list[tuple[bytes, bytes]]) -> None:
    signatures = {value for name, value in headers if name.endswith(b"-signature")}
    try:
        claim = read_claim(headers)
    except NoSignatureError:
        assert not signatures
    except MalformedSignatureError:
        assert signatures != {GOOD}
    else:
        assert len(signatures) == 1
        for text in (claim.delivery_uuid, claim.webhook_id):
            assert text is None or (0 < len(text) <= MOST_ID_CHARACTERS and "\0" not in text)


@pytest.mark.parametrize("uuid_name", [b"dyte-uuid", b"rtk-uuid"])
@pytest.mark.parametrize("webhook_name", [b"dyte-webhook-id", b"rtk-webhook-id"])
@pytest.mark.parametrize(
    ("signature_name", "provider"), [(b"dyte-signature", Provider.DYTE), (b"rtk-signature", Provider.REALTIMEKIT)]
)
def test_header_names_mix_and_the_signatures_name_is_the_family(
    uuid_name: bytes, webhook_name: bytes, signature_name: bytes, provider: Provider
) -> None:
    claim = read_claim([(uuid_name, b"u"), (signature_name, GOOD), (webhook_name, b"w")])
    assert (claim.provider, claim.delivery_uuid, claim.webhook_id) == (provider, "u", "w")


def test_with_both_names_the_family_is_the_younger_one_in_any_order() -> None:
    both = [(b"dyte-signature", GOOD), (b"rtk-signature", GOOD)]
    assert read_claim(both).provider is read_claim(both[::-1]).provider is Provider.REALTIMEKIT
