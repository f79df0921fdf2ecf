"""No spelling of a stream key is left in what is stored of a body."""

import json
from collections.abc import Callable

import pytest

from workers.reading.body import open_body

KEY = "sk-live-do-not-store-me"
LIVE = {"event": "livestreaming.statusUpdate", "streamId": "s-1", "status": "LIVE"}

SPELLINGS = {
    "as the vendor writes it": json.dumps({**LIVE, "streamKey": KEY}),
    "in other cases and with underscores": json.dumps({**LIVE, "StreamKey": KEY, "stream_key": KEY, "STREAM_KEY": KEY}),
    "with an escape in the name": json.dumps({**LIVE, "streamKey": KEY}).replace("streamKey", "stream\\u004bey"),
    "with nothing but escapes": json.dumps({**LIVE, "streamKey": KEY})
    .replace("streamKey", "".join(f"\\u{ord(letter):04x}" for letter in "streamKey"))
    .replace(KEY, "".join(f"\\u{ord(letter):04X}" for letter in KEY)),
    "in a nested object": json.dumps({**LIVE, "meeting": {"live": [{"streamKey": KEY}]}}),
    "as an object": json.dumps({**LIVE, "streamKey": {"primary": KEY, "others": [KEY + "-2"]}}),
    "in an ingest URL too": json.dumps(
        {**LIVE, "streamKey": KEY, "ingestServer": f"rtmps://in.example.com/live/{KEY}"}
    ),
    "in a name too": json.dumps({**LIVE, "streamKey": KEY, KEY: 1}),
    "in JSON inside a text": json.dumps({**LIVE, "note": json.dumps({"streamKey": KEY})}),
    "in JSON inside JSON inside a text": json.dumps(
        {**LIVE, "note": json.dumps({"a": json.dumps({"streamKey": KEY})})}
    ),
    "in single quotes inside a text": json.dumps({**LIVE, "stopReason": f"{{'streamKey':'{KEY}','x':1}}"}),
    "in a query inside a text": json.dumps({**LIVE, "ingestServer": f"rtmps://in.example.com/?streamKey={KEY}&x=1"}),
    "twice under one name": json.dumps({**LIVE, "streamKey": KEY})[:-1] + f', "streamKey": "{KEY}-2"}}',
    "in a text and once more in another": json.dumps({**LIVE, "note": f"streamKey: {KEY}", "playbackUrl": f"x/{KEY}"}),
}
SPOILED: dict[str, Callable[[str], str]] = {
    "by a NUL": lambda text: text[:-1] + ', "name": "\\u0000"}',
    "by half a surrogate": lambda text: text[:-1] + ', "name": "\\ud83d"}',
    "by a number beyond all bounds": lambda text: text[:-1] + ', "n": 1e999999}',
    "by its end": lambda text: text[:-1],
    "by what follows": lambda text: text + "}",
    "by what precedes": lambda text: '" ' + text,
    "by single quotes": lambda text: text.replace('"', "'"),
    "by depth": lambda text: "[" * 300 + text + "]" * 300,
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_no_spelling_is_stored_or_read(text: str) -> None:
    opened = open_body(text.encode())
    assert opened.payload is not None
    assert opened.raw is None
    assert json.loads(opened.payload)["streamId"] == "s-1"
    assert_nowhere(opened.payload)
    assert_nowhere(str(opened.value))


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_no_spelling_is_stored_of_a_body_that_is_kept_as_bytes(text: str, spoil: Callable[[str], str]) -> None:
    opened = open_body(spoil(text).encode())
    assert opened.payload is None
    assert opened.raw is not None
    assert_nowhere(opened.raw.decode())
    assert_nowhere(str(opened.value))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32-be"])
def test_no_spelling_is_stored_in_another_encoding(encoding: str) -> None:
    raw = open_body(SPELLINGS["as the vendor writes it"].encode(encoding)).raw
    assert raw is not None
    assert KEY.encode() not in raw.replace(b"\0", b"")


def test_a_body_that_is_not_utf_8_keeps_its_other_bytes() -> None:
    opened = open_body(b'{"a":"\xff\xfe","streamKey":"' + KEY.encode() + b'","b":1}')
    assert opened.raw == b'{"a":"\xff\xfe","streamKey":"***","b":1}'


def test_what_is_kept_as_bytes_reads_the_same_again() -> None:
    body = json.dumps({**LIVE, "streamKey": KEY, "rtmpStreamKey": 5, "streamKeys": [1], "x": "\0"}).encode()
    opened = open_body(body)
    assert opened.raw is not None
    assert open_body(opened.raw).value == opened.value


def test_an_event_without_a_stream_key_is_left_to_the_letter() -> None:
    text = json.dumps({**LIVE, "title": "How the streamKey is reset safely", "streamKeyCount": 2})
    assert open_body(text.encode()).payload == text


@pytest.mark.parametrize(
    "body",
    [
        b'{"streamKey":"' + KEY.encode() + b'","n":"\\u0000' + b'\\"' * 500_000 + b'"}',
        b'"\\"' * 330_000,
        b'"' * 1_000_000,
        b'"streamKey"' + b" " * 1_000_000,
        b'{"streamKey":"' + b"\\" * 1_000_000,
        b"streamkey:" * 100_000,
        b'{"a":"' + b"streamkey" * 100_000 + b'"}',
        b'{"streamKey":[{' * 60_000,
        b'{"streamKey":[' + b",".join(b'"key-%06d"' % n for n in range(20_000)) + b'],"a":' + b'["","x"]}',
    ],
    ids=lambda body: body[:20].decode(),
)
def test_a_hostile_mebibyte_is_done_with(body: bytes) -> None:
    # Without a bound on what is looked at, each of these takes minutes or hours.
    open_body(body)


def assert_nowhere(text: str) -> None:
    assert KEY not in text
    assert "\\u0073\\u006" not in text, "the key in escapes"
