"""`rollcall doctor` on keys, and on the way to where they come from."""

from pathlib import Path

import pytest

from tests.console.commands.findings import findings
from tests.console.conftest import Rollcall
from tests.forward_proxy import ForwardProxy
from tests.receiver.key_server import KeyServer


def test_no_key_at_all_fails(rollcall: Rollcall, whole: dict[str, str], key_server: KeyServer) -> None:
    key_server.status = 500
    code, parts = findings(rollcall, **whole)
    assert code == 1
    assert parts["keys"][0] == "failed"
    assert "status 500" in parts["keys"][1]
    assert "WEBHOOK_PUBLIC_KEYS" in parts["keys"][1]


def test_a_pinned_key_is_enough(rollcall: Rollcall, whole: dict[str, str], key_server: KeyServer, pem: str) -> None:
    code, parts = findings(rollcall, **whole, WEBHOOK_PUBLIC_KEYS=pem.replace("\n", "\\n"))
    assert (code, parts["keys"][0]) == (0, "ok")
    assert key_server.fetches == 0


def test_a_file_of_pinned_keys_that_is_missing_fails(rollcall: Rollcall, whole: dict[str, str]) -> None:
    code, parts = findings(rollcall, **whole, WEBHOOK_PUBLIC_KEYS="keys/missing.pem")
    assert code == 1
    assert parts["keys"][0] == parts["settings"][0] == "failed"
    assert "WEBHOOK_PUBLIC_KEYS" in parts["keys"][1]


def test_on_the_embedded_database_the_development_key_must_be_there(
    rollcall: Rollcall, whole: dict[str, str], folder: Path
) -> None:
    (folder / "var").mkdir()
    (folder / "var" / "database-url").write_text(whole.pop("DATABASE_URL"))
    code, parts = findings(rollcall, **whole)
    assert (code, parts["database"][0], parts["development key"][0]) == (1, "ok", "failed")


@pytest.mark.parametrize(
    "unusable",
    [
        {"ALL_PROXY": "socks4://geheim:1080"},
        {"https_proxy": "http://[::geheim"},
        {"SSL_CERT_FILE": "/geheim.pem"},
        {"SSL_CERT_DIR": "/geheim"},
    ],
)
def test_a_proxy_or_certificate_variable_of_no_use_is_named(
    rollcall: Rollcall, whole: dict[str, str], unusable: dict[str, str]
) -> None:
    code, parts = findings(rollcall, **{**whole, "WEBHOOK_KEY_URLS": "https://keys.invalid/"}, **unusable)
    assert (code, parts["keys"][0], parts["settings"][0]) == (1, "failed", "warning")
    assert parts["settings"][1].startswith(f"{next(iter(unusable))} ")
    assert "geheim" not in str(parts)


def test_an_odd_entry_of_no_proxy_is_a_warning(rollcall: Rollcall, whole: dict[str, str]) -> None:
    code, parts = findings(rollcall, **whole, NO_PROXY="fd00::/200")
    assert (code, parts["settings"][0], parts["keys"][0]) == (0, "warning", "ok")
    assert parts["settings"][1].startswith("NO_PROXY ")


def test_what_is_no_proxy_in_a_proxys_place_is_not_a_defect_of_doctor(
    rollcall: Rollcall, whole: dict[str, str], key_server: KeyServer, silent_port: int
) -> None:
    whole["WEBHOOK_KEY_URLS"] = "https://keys.invalid/"
    with ForwardProxy(key_server.port, "user", "secret") as proxy:
        for url in (
            f"socks5://127.0.0.1:{key_server.port}",
            f"https://127.0.0.1:{key_server.port}",
            f"http://127.0.0.1:{key_server.port}",
            f"socks5://user:wrong@127.0.0.1:{proxy.port}",
            f"http://user:wrong@127.0.0.1:{proxy.port}",
            f"socks5://127.0.0.1:{proxy.port}",
            f"socks5://127.0.0.1:{silent_port}",
        ):
            code, parts = findings(rollcall, **whole, ALL_PROXY=url)
            assert (code, parts["keys"][0], parts["settings"][0]) == (1, "failed", "ok"), url
            assert "bug in doctor" not in str(parts), url
