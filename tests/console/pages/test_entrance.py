"""Nobody gets in who has no login, and nothing is answered under another name."""

from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from cryptography.fernet import Fernet

from console.pages.entrance.link import make_link
from console.pages.entrance.visitor import SESSION_SECONDS
from tests.console.pages.running import HEADER, OPERATOR, PASSWORD, READER, RunningConsole, running_console

PAGES = ["/", "/sessions", "/sessions?csv=sessions"]


def log_in(client: httpx2.Client, password: str = PASSWORD, **fields: str) -> httpx2.Response:
    return client.post("/login", data={"password": password, **fields}, headers={"origin": str(client.base_url)})


@pytest.mark.parametrize("page", PAGES)
def test_who_is_not_in_is_sent_to_log_in_and_then_back(console: RunningConsole, page: str) -> None:
    with console.client() as client:
        answer = client.get(page)
        assert (answer.status_code, answer.text) == (303, "")
        form = client.get(answer.headers["location"])
        assert form.status_code == 200
        answer = log_in(client, to=page)
        assert (answer.status_code, answer.headers["location"]) == (303, page)
        assert client.get(page).status_code == 200


def test_the_cookie_is_for_the_server_alone(console: RunningConsole) -> None:
    with console.client() as client:
        cookie = log_in(client).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert f"Max-Age={SESSION_SECONDS}" in cookie


def test_under_https_the_cookie_is_bound_to_the_host(database_url: str, tmp_path: Path) -> None:
    with running_console(database_url, tmp_path, CONSOLE_URL="https://rollcall.example.com") as console:
        headers = {"host": "rollcall.example.com", "origin": "https://rollcall.example.com"}
        with console.client(headers=headers) as client:
            cookie = client.post("/login", data={"password": PASSWORD}).headers["set-cookie"]
    assert cookie.startswith("__Host-rollcall=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_a_forged_an_old_and_another_consoles_cookie_are_no_cookies(console: RunningConsole) -> None:
    said = b'{"user": "link", "role": "operate"}'
    forged = [b"x", said, Fernet(Fernet.generate_key()).encrypt(said)]
    with console.client() as client:
        log_in(client)
        good = client.cookies["rollcall"]
        forged.append(good[:-2].encode() + b"A=")
    for value in forged:
        with console.client(headers={"cookie": f"rollcall={value.decode()}"}) as client:
            assert client.get("/").status_code == 303


def test_a_login_ends_after_twelve_hours(console: RunningConsole) -> None:
    from console.pages.entrance.keys import ConsoleKeys  # noqa: PLC0415 - for this test alone

    keys = ConsoleKeys.of(console.settings.keys, str(console.settings.password).encode())
    now = int(datetime.now(UTC).timestamp())
    for age, status in ((SESSION_SECONDS - 60, 200), (SESSION_SECONDS + 60, 303)):
        cookie = keys.cookies.encrypt_at_time(b'{"user": "password", "role": "read"}', now - age).decode()
        with console.client(headers={"cookie": f"rollcall={cookie}"}) as client:
            assert client.get("/").status_code == status


def test_another_password_ends_all_logins(database_url: str, tmp_path: Path) -> None:
    with running_console(database_url, tmp_path) as console, console.client() as client:
        log_in(client)
        cookie = client.cookies["rollcall"]
    from console.pages.entrance.password import hash_of  # noqa: PLC0415 - for this test alone

    other = {"CONSOLE_PASSWORD_HASH": str(hash_of("another password"))}
    from base64 import urlsafe_b64encode  # noqa: PLC0415 - for this test alone

    key = urlsafe_b64encode(console.settings.keys[0]).decode()
    with (
        running_console(database_url, tmp_path, SECRETS_KEY=key, **other) as second,
        second.client(headers={"cookie": f"rollcall={cookie}"}) as client,
    ):
        assert client.get("/").status_code == 303


def test_logging_out_takes_the_cookie_away(console: RunningConsole) -> None:
    with console.client() as client:
        log_in(client)
        answer = client.post("/logout", headers={"origin": console.url})
        assert answer.headers["location"] == "/login"
        assert client.get("/").status_code == 303


@pytest.mark.parametrize(
    "place", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/login", "/\tx", ""]
)
def test_logging_in_leads_to_pages_of_the_console_alone(console: RunningConsole, place: str) -> None:
    with console.client() as client:
        assert log_in(client, to=place).headers["location"] == "/"


def test_a_link_logs_in_once(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "var" / "secrets-key"
    settings = {"CONSOLE_PASSWORD_HASH": "", "CONSOLE_TRUST_HEADER": "", "ROLLCALL_SECRETS_KEY_FILE": str(file)}
    with running_console(database_url, tmp_path, **settings) as console:
        assert console.settings.link_file is not None
        link = make_link(console.settings.link_file, console.url)
        with console.client() as client, console.client() as other:
            assert client.get(f"{link}x").status_code == 403
            assert client.get(link).status_code == 303
            assert client.get("/").status_code == 200
            assert other.get(link).status_code == 403
            assert other.get("/").status_code == 303


def test_without_the_embedded_postgres_a_link_is_none(console: RunningConsole) -> None:
    link = make_link(console.folder / "var" / "console-link", console.url)
    with console.client() as client:
        assert client.get(link).status_code == 403


def test_a_users_role_is_what_the_settings_say_and_a_stranger_has_none(console: RunningConsole) -> None:
    assert "read" in console.get("/", READER)
    assert "operate" in console.get("/", OPERATOR)
    console.get("/", "stranger@example.com", status=403)
    console.get("/", "*", status=403)
    with console.client() as client:
        two = client.get("/", headers=[(HEADER, READER), (HEADER, OPERATOR)])
        assert two.status_code == 403


def test_a_header_from_elsewhere_counts_for_nothing(database_url: str, tmp_path: Path) -> None:
    with running_console(database_url, tmp_path, CONSOLE_TRUST_NETWORKS="10.0.0.0/8") as console:
        console.get("/", OPERATOR, status=303)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:{port}", ""])
def test_another_host_is_refused(console: RunningConsole, host: str) -> None:
    named = host.format(port=console.settings.port)
    with console.client(OPERATOR, {"host": named}) as client:
        answer = client.get("/")
        assert answer.status_code == 421
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example", "sec-fetch-site": "same-origin"},
        {"referer": "http://127.0.0.1/"},
    ],
)
def test_a_form_from_elsewhere_is_refused(console: RunningConsole, headers: dict[str, str]) -> None:
    with console.client(headers=headers) as client:
        assert client.post("/login", data={"password": PASSWORD}).status_code == 403
        assert client.post("/logout").status_code == 403


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "same-origin"}, {"origin": "null", "sec-fetch-site": "same-origin"}]
)
def test_a_form_of_ours_is_known_without_an_origin(console: RunningConsole, headers: dict[str, str]) -> None:
    with console.client(headers=headers) as client:
        assert client.post("/login", data={"password": PASSWORD}).status_code == 303


def test_every_answer_has_the_headers(console: RunningConsole) -> None:
    with console.client(OPERATOR) as client:
        for path in ("/", "/login", "/nothing", "/static/console.css"):
            headers = client.get(path).headers
            assert headers["content-security-policy"] == (
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            )
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
        assert client.get("/").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../settings.py",
        "/static/%2e%2e%2fsettings.py",
        "/static/..%5csettings.py",
        "/static//etc/passwd",
        "/static/",
    ],
)
def test_no_path_leads_to_another_file(console: RunningConsole, path: str) -> None:
    with console.client(OPERATOR) as client:
        answer = client.get(path)
        assert answer.status_code == 404
        assert "import" not in answer.text


def test_a_form_that_is_too_long_is_refused(console: RunningConsole) -> None:
    with console.client(headers={"origin": console.url}) as client:
        assert client.post("/login", data={"password": "x" * 20_000}).status_code == 413
