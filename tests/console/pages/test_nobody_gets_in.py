"""Nobody gets in by any address: each route is tried without a login, with a wrong one, and with too low a role."""

import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet
from starlette.routing import Route

from console.pages.app import create_pages
from console.pages.entrance.keys import ConsoleKeys
from console.pages.entrance.visitor import SESSION_SECONDS
from tests.console.pages.everywhere import Everywhere, files_of
from tests.console.pages.running import (
    OPERATOR,
    PERSON,
    READER,
    RunningConsole,
    environment_for,
)
from workers.tables.models import Base, Holding

SECRET = "secret-of-"
# For everybody: the door, and what it is painted with.
OPEN = {"/login", "/static/{name}"}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@pytest.fixture
def world(database_url: str) -> Everywhere:
    """Something to see on every page: each text says that it is secret, and of which column."""
    made = Everywhere(
        lambda place: f"{SECRET}{place}", lambda place: f"{SECRET}{place}" if _is_hidden(place) else place
    )
    made.fill(database_url)
    return made


def _is_hidden(place: str) -> bool:
    table, column = place.split(".")
    return Base.metadata.tables[f"rollcall.{table}"].columns[column].info["holding"] not in {
        Holding.NOTHING,
        Holding.PEER,
    }


def routes(database_url: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every route's path and method."""
    for route in create_pages(*environment_for(database_url, folder)).routes:
        assert isinstance(route, Route)
        assert route.methods is not None
        yield from ((route.path, method) for method in sorted(route.methods))


def cookies(console: RunningConsole) -> dict[str, str]:
    """Return cookies that must not let anybody in."""
    keys = ConsoleKeys.of(console.settings.keys, str(console.settings.password).encode())
    said = b'{"user": "password", "role": "operate"}'
    no_role = said.replace(b"operate", b"all")
    now = int(datetime.now(UTC).timestamp())
    good = keys.cookies.encrypt(said).decode()
    return {
        "none": "",
        "another name": f"rollcall-tz={good}",
        "plain": f"rollcall={said.decode()}",
        "another key": f"rollcall={Fernet(Fernet.generate_key()).encrypt(said).decode()}",
        "changed": f"rollcall={good[:40]}{'A' if good[40] != 'A' else 'B'}{good[41:]}",
        "expired": f"rollcall={keys.cookies.encrypt_at_time(said, now - SESSION_SECONDS - 60).decode()}",
        "of tomorrow": f"rollcall={keys.cookies.encrypt_at_time(said, now + 86_400).decode()}",
        "no role": f"rollcall={keys.cookies.encrypt(no_role).decode()}",
    }


def test_every_route_has_an_address_in_these_tests(world: Everywhere, database_url: str, tmp_path: Path) -> None:
    found = set(routes(database_url, tmp_path))
    assert {path for path, method in found if method == "GET"} == set(world.pages)
    assert {path for path, method in found if method == "POST"} == {
        "/login", "/logout", *(path for path in world.pages if path.startswith("/acts/")),
    }  # fmt: skip
    assert {method for _, method in found} == {"GET", "HEAD", "POST"}


def test_every_column_about_people_is_in_this_world(world: Everywhere) -> None:
    columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if _is_hidden(f"{table.name}.{column.name}")
    }
    assert columns <= world.places


def test_without_a_login_no_page_and_no_file_says_anything(console: RunningConsole, world: Everywhere) -> None:
    addresses = [*files_of(console, world), *world.addresses()]
    for kind, cookie in cookies(console).items():
        with console.client(headers={"cookie": cookie} if cookie else {}) as client:
            for address in addresses:
                answer = client.get(address)
                if address.startswith(("/login", "/static/")):
                    assert answer.status_code == 200
                    assert SECRET not in answer.text.partition('name="to"')[0]
                    continue
                assert (answer.status_code, answer.text) == (303, ""), (kind, address)
                assert answer.headers["location"].startswith("/login"), (kind, address)
                if kind == "none":
                    assert client.head(address).status_code in {303, 405}


def test_without_a_login_nothing_is_done(console: RunningConsole, world: Everywhere, database_url: str) -> None:
    before = state(database_url)
    for kind, cookie in cookies(console).items():
        headers = {"origin": console.url, **({"cookie": cookie} if cookie else {})}
        with console.client(headers=headers) as client:
            for address in world.addresses():
                path, _, query = address.partition("?")
                if path != "/login":
                    answer = client.post(path, content=f"{query}&touched=1")
                    assert answer.status_code in {303, 405}, (kind, address)
    assert state(database_url) == before


def state(database_url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database_url) as connection:
        return [
            *connection.execute("SELECT act, touched FROM rollcall.audit ORDER BY id").fetchall(),
            *connection.execute("SELECT id, processed_at, status FROM rollcall.deliveries ORDER BY id").fetchall(),
            *connection.execute("SELECT id, status FROM rollcall.endpoints").fetchall(),
            *connection.execute("SELECT message_id, status, attempts FROM rollcall.message_deliveries").fetchall(),
        ]


def test_under_another_name_nothing_answers(console: RunningConsole, world: Everywhere) -> None:
    addresses = [*files_of(console, world), *world.addresses()]
    port = console.settings.port
    for host in (
        f"evil.example:{port}",
        f"127.0.0.1.evil.example:{port}",
        "127.0.0.1",
        f"127.0.0.1:{port}@evil.example",
    ):
        with console.client(OPERATOR, {"host": host, "x-forwarded-host": f"127.0.0.1:{port}"}) as client:
            answers = [client.get(address) for address in addresses]
            assert {answer.status_code for answer in answers} == {421}, host
            # The same to all of them: what is asked for does not matter.
            [said] = {answer.text for answer in answers}
            assert not re.search(f"{SECRET}|<|csv|Algebra", said), host


def test_from_another_page_nothing_is_done(console: RunningConsole, world: Everywhere, database_url: str) -> None:
    before = state(database_url)
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": f"http://127.0.0.1:{console.settings.port}.evil.example"},
        {"origin": f"https://127.0.0.1:{console.settings.port}"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {},
    ):
        with console.client(OPERATOR, headers) as client:
            for address in world.addresses():
                path, _, query = address.partition("?")
                for method in UNSAFE:
                    answer = client.request(method, path, content=f"{query}&touched=1")
                    assert answer.status_code == 403, (headers, method, address)
    assert state(database_url) == before


@pytest.mark.parametrize("user", [READER, PERSON])
def test_who_only_looks_can_do_nothing(
    console: RunningConsole, world: Everywhere, database_url: str, user: str
) -> None:
    before = state(database_url)
    acts = [address for route, pages in world.pages.items() if route.startswith("/acts/") for address in pages]
    with console.client(user, {"origin": console.url}) as client:
        for address in acts:
            path, _, query = address.partition("?")
            assert client.get(address).status_code == 403
            assert client.post(path, content=f"{query}&touched=1").status_code == 403
    # Nor is it offered.
    for address in world.addresses():
        if not address.startswith(("/acts/", "/login", "/people/")):
            assert "/acts/" not in console.get(address, user), address
    assert [row for row in state(database_url) if row not in before and row != ("look at a person", None)] == []


def test_who_reads_finds_no_name_no_id_of_a_person_no_title_and_no_text_anywhere(
    console: RunningConsole, world: Everywhere
) -> None:
    addresses = [*files_of(console, world), *world.addresses()]
    seen: dict[str, str] = {}
    with console.client(READER) as client:
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code in {200, 303, 403}, address
            assert (answer.status_code == 403) == address.startswith(("/people/", "/acts/")), address
            secrets = set(re.findall(rf"{SECRET}([a-z_]+\.[a-z_]+)", answer.text))
            assert not {place for place in secrets if _is_hidden(place)}, address
    with console.client(PERSON) as client:
        for address in addresses:
            seen |= dict.fromkeys(re.findall(rf"{SECRET}([a-z_]+\.[a-z_]+)", client.get(address).text), address)
    # What is nowhere to be seen would prove nothing: these alone have no page.
    nowhere = {place for place in world.places if _is_hidden(place)} - seen.keys()
    assert nowhere == {
        "audit.who", "audit.address", "livestreams.playback_url", "participants.user_id", "roster.person",
        "roster.display_name", "roster_verdicts.person", "recordings.audio_download_url",
    }  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/sessions?person=a", "/sessions?title=a", "/deliveries?error=a", "/sessions/live?person=a"]
)
@pytest.mark.parametrize("suffix", ["", "&csv=sessions"])
def test_who_reads_can_not_filter_by_what_they_do_not_see(
    console: RunningConsole, world: Everywhere, path: str, suffix: str
) -> None:
    assert world.pages
    console.get(path + suffix, READER, status=403)


TRICKS = [
    "//", "//sessions", "/sessions/", "/sessions//", "/./sessions", "/x/../sessions", "/static/../sessions",
    "/static/..%2fsessions", "/static/%2e%2e/sessions", "/login/../sessions", "/login/sessions", "/login;/sessions",
    "/login%2f..%2fsessions", "/sessions%00", "/sessions/x%00", "/people/x%00", "/meetings/x%00", "/deliveries/x%00",
    "/deliveries/%2e%2e%2fsessions", "/sessions/..%2f..%2fdeliveries", "/sessions/%ff%fe", "/sessions/%ed%a0%80",
    "/SESSIONS", "/%73essions", "/sessions%3fcsv=sessions", "/sessions;csv=sessions", "/sessions\\..\\deliveries",
    "/?after=%00", "/sessions?after=%00", "/sessions?after=x", "/sessions?csv=%00", "/sessions?id=%00",
    "/usage?skip=-1",
    "/deliveries?after=%00", "/automations?after=%00", "/automations/messages/x%00", "/observations/x%00",
    "/acts/replay/", "/acts//replay", "/acts/replay%00", "/acts/../acts/replay", "*", "http://evil.example/sessions",
]  # fmt: skip


def raw(console: RunningConsole, path: str, **headers: str) -> tuple[int, str, str]:
    """Return what is answered to a path as it stands here: a client would tidy it up."""
    with closing(http.client.HTTPConnection("127.0.0.1", console.settings.port, timeout=30)) as connection:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.headers.get("location") or "", answer.read().decode()


def test_no_trick_with_a_path_gets_in_or_breaks_a_page(console: RunningConsole, world: Everywhere) -> None:
    assert world.pages
    for path in TRICKS:
        status, location, text = raw(console, path)
        assert status in {303, 307, 400, 404, 405, 421}, path
        assert SECRET not in text, path
        if status == 307:
            # A slash too many or too few: still on this machine, and not answered here.
            assert re.fullmatch(rf"http://127\.0\.0\.1:{console.settings.port}/\w[^/]*(/\w+)?", location), path
        elif status == 303:
            assert re.fullmatch(r"/login(\?to=%2F(?!%2F|%5C)[^/]*)?", location), path
        status, _, text = raw(console, path, x_forwarded_user=OPERATOR)
        assert status < 500, path
