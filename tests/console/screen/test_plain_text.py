"""What other people wrote is shown and does nothing else, on a terminal, in a pipe and in JSON."""

import io
import json
import unicodedata
from contextlib import redirect_stdout

import pytest

from console.screen.machine_readable import print_json
from console.screen.plain_text import plain, plain_lines
from console.screen.tables import Column, Screen

BIDI = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
HARMFUL = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xDFFF, 0xD800, *BIDI)]
ALL = "".join(HARMFUL)
# Joiners belong to the scripts and to emoji.
SHOWN = "Ana 👩🏽‍🏫 نسرین می‌رود"


def does_nothing(text: str) -> bool:
    return not any(unicodedata.category(sign) in {"Cc", "Cs"} or ord(sign) in BIDI for sign in text if sign != "\n")


@pytest.mark.parametrize("sign", HARMFUL, ids=lambda sign: f"U+{ord(sign):04X}")
def test_a_sign_that_does_more_than_be_shown_is_replaced(sign: str) -> None:
    assert plain(f"a{sign}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_what_is_to_be_read_stays() -> None:
    assert plain(SHOWN) == SHOWN
    assert plain_lines(f"{SHOWN}\n\x1b[2J") == f"{SHOWN}\n\N{REPLACEMENT CHARACTER}[2J"


def printed(act: "type[Screen] | None", text: str) -> str:
    with redirect_stdout(io.StringIO()) as out:
        if act is None:
            print_json([{"name": text, text: [1, text]}])
        else:
            screen = act()
            screen.say(text)
            screen.labelled("ok", "", text)
            screen.table([Column("name")], [[text]])
    return out.getvalue()


def test_json_holds_the_same_values_and_does_nothing() -> None:
    text = SHOWN + ALL
    document = printed(None, text)
    assert json.loads(document) == [{"name": text, text: [1, text]}]
    assert does_nothing(document)
    assert SHOWN in document


def test_what_a_pipe_reads_does_nothing_either() -> None:
    out = printed(Screen, ALL)
    assert does_nothing(out)
    assert len(out.splitlines()) == 4
