"""What other people wrote is text on every page, in every file and in every picture, whatever is in it."""

import csv
import io
import re
import struct
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from starlette.routing import Route

from console.pages.app import create_pages
from console.screen.plain_text import plain
from tests.console.conftest import Rollcall
from tests.console.pages.everywhere import Everywhere, files_of
from tests.console.pages.running import RunningConsole, environment_for, running_console

MARKUP = (
    "'\"></text></title></script><script>alert(1)</script><img src=x onerror=alert(1)>"
    "<hostile a='b\"c>&lt;{{7*7}}]]>-->"
)
CONTROLS = "\x01\x07\x08\x1b[31m\x1b]8;;https://evil.example\x07\x7f\x85\x9b2J\r\n\t\ufffe"
DIRECTIONS = "\u202e\u2066\u200f\u061c\u2028\u2029"
EMOJI = "👩🏽‍🏫🏳️‍🌈" + "e" + "\u0301" * 40 + "﷽\U000e0041"
HOSTILE = {
    "markup": MARKUP,
    "signs": f"a{CONTROLS}{DIRECTIONS}{EMOJI}z",
    "long": "W" * 10_000,
    "formula": '=HYPERLINK("https://evil.example","x")',
    "slashes": "../..//%2e%2e/?csv=sessions#x",
}
# What a page may have of its own: line feeds.
FORBIDDEN = {sign for sign in CONTROLS + DIRECTIONS if plain(sign) != sign} - {"\n"}
# A session's page with one name of 10,000 characters in every place, and with short ones.
MOST_BYTES = 100_000


class _Elements(HTMLParser):
    """The elements of a page, and where its scripts and links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action"}]
        assert tag != "script" or ("src" in dict(attrs) and str(dict(attrs)["src"]).startswith("/static/"))


def world_of(hostile: str, database_url: str) -> Everywhere:
    # An index takes ids of about 2,700 bytes; beyond its first part nothing is different about them.
    world = Everywhere(lambda _place: hostile, lambda place: f"{hostile[:300]}{place}")
    world.fill(database_url)
    return world


def test_the_world_has_a_page_for_every_route(database_url: str, tmp_path: Path) -> None:
    world = Everywhere(str, str)
    world.fill(database_url)
    settings, environment = environment_for(database_url, tmp_path)
    routes = create_pages(settings, environment).routes
    assert {route.path for route in routes if isinstance(route, Route) and "GET" in (route.methods or ())} == set(
        world.pages
    )


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_is_text_on_every_page_and_in_every_file(console: RunningConsole, database_url: str, kind: str) -> None:
    world = world_of(HOSTILE[kind], database_url)
    files = files_of(console, world)
    for address in world.addresses():
        status = 409 if address.startswith("/acts/") else 200
        with console.client("operator@example.com") as client:
            answer = client.get(address)
        if address.startswith("/login"):
            assert answer.status_code == 303
            continue
        assert answer.status_code in {200, status}, address
        page = answer.text
        # A form's field holds what was typed, sign for sign.
        assert not FORBIDDEN & set(re.sub(r"<input[^>]*>", "", page)), address
        assert len(page.encode()) < MOST_BYTES, address
        if address.startswith("/static/"):
            continue
        elements = _Elements()
        elements.feed(page)
        assert not {"hostile", "img"} & elements.tags, address
        assert not [name for name in elements.attributes if name.startswith("on")], address
        assert not [link for link in elements.links if link.lower().startswith(("javascript:", "//"))], address
    for address in files:
        text = console.get(address)
        header, *rows = csv.reader(io.StringIO(text, newline=""))
        assert {len(row) for row in rows} == {len(header)}, address
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@", "\t", "\r"))], address


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_is_text_in_pictures(rollcall_here: Rollcall, database_url: str, folder: Path, kind: str) -> None:
    pytest.importorskip("resvg_py")
    session_id = f"{HOSTILE[kind][:300]}sessions.id"
    world_of(HOSTILE[kind], database_url)
    done = rollcall_here("timeline", session_id, "--svg", "a.svg", "--png", "a.png", DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    drawn = (folder / "a.svg").read_text(encoding="utf-8")
    assert not FORBIDDEN & set(drawn)
    assert len(drawn) < 20_000
    tags = {element.tag.partition("}")[2] for element in ET.fromstring(drawn).iter()}
    assert tags <= {"svg", "defs", "pattern", "rect", "clipPath", "g", "path", "text", "title", "a"}
    picture = (folder / "a.png").read_bytes()
    width, height = struct.unpack(">II", picture[16:24])
    assert picture.startswith(b"\x89PNG")
    assert (width, height < 1000) == (2160, True)
    assert len(picture) < 200_000


def test_a_page_of_nobody_names_what_was_asked_for_as_text(database_url: str, tmp_path: Path) -> None:
    """The addresses themselves: what is looked for stands in forms, titles and links to files."""
    from urllib.parse import quote  # noqa: PLC0415 - for this test alone

    hostile = quote(MARKUP, safe="")
    with running_console(database_url, tmp_path) as console:
        for path in (
            f"/people/{hostile}", f"/sessions?title={hostile}", f"/sessions?id={hostile}", f"/sessions/{hostile}",
            f"/deliveries?error={hostile}", f"/deliveries?x={hostile}&status=foreign", f"/automations?type={hostile}",
            f"/usage?organization={hostile}", f"/nothing/{hostile}", f"/login?to={hostile}", f"/?tz={hostile}",
            f"/sessions?csv={hostile}",
        ):  # fmt: skip
            with console.client("operator@example.com") as client:
                elements = _Elements()
                elements.feed(client.get(path).text)
                assert not {"hostile", "img"} & elements.tags, path
