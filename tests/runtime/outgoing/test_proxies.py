"""Which proxy is used for which URL, and the messages for variables that can't be used."""

import httpx2
import pytest

from runtime.outgoing.proxies import Proxies
from runtime.outgoing.unusable import UnusableVariableError

KEYS = "https://keys.example/keys.json"
PROXY = "http://proxy.example:3128"


def proxy_for(url: str, **environment: str) -> str | None:
    return Proxies.from_environment(environment).proxy_for(httpx2.URL(url))


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": PROXY}, PROXY),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, PROXY),
        ({"HTTPS_PROXY": "proxy.example:3128"}, PROXY),
        ({"HTTP_PROXY": PROXY}, None),
        ({"ALL_PROXY": "socks5h://127.0.0.1:1080"}, "socks5h://127.0.0.1:1080"),
        ({"ALL_PROXY": "socks5://[::1]:1080"}, "socks5://[::1]:1080"),
        ({"ALL_PROXY": "ftp://useless", "HTTPS_PROXY": PROXY}, PROXY),
        ({"HTTPS_PROXY": " "}, None),
    ],
)
def test_the_variable_for_the_scheme_comes_first_then_the_one_for_all(
    environment: dict[str, str], proxy: str | None
) -> None:
    assert proxy_for(KEYS, **environment) == proxy


@pytest.mark.parametrize(
    "value",
    [
        "http://", "http://:3128", "ftp://proxy:21", "socks4://proxy:1080", "socks://proxy:1080", "//proxy:1",
        "http://proxy:99999", "http://proxy:0", "http://proxy:port", "http://[::1", "http://a b:1", "http://\x01",
        "http://%zz:1", f"http://{'a' * 70000}", "geheim:geheim:geheim", "http://geheim@", "\N{BOMB}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_that_can_not_be_used_is_named_and_not_gone_round(variable: str, value: str) -> None:
    proxies = Proxies.from_environment({variable: value})
    with pytest.raises(UnusableVariableError, match=rf"^{variable} "):
        proxies.proxy_for(httpx2.URL(KEYS))
    [problem] = proxies.problems()
    assert problem.variable == variable
    assert "socks5h" in str(problem)
    assert "geheim" not in str(problem)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/", "http://localhost/", "http://[::1]:1/", "http://127.9.9.9/"])
def test_this_machine_is_never_reached_through_a_proxy(url: str) -> None:
    assert proxy_for(url, HTTP_PROXY=PROXY, ALL_PROXY=PROXY) is None


@pytest.mark.parametrize(
    ("entry", "url", "is_exempt"),
    [
        ("*", KEYS, True),
        ("keys.example", KEYS, True),
        (".example", KEYS, True),
        ("*.example", KEYS, True),
        ("KEYS.example.", KEYS, True),
        ("example", "https://notexample/", False),
        ("eys.example", KEYS, False),
        ("a.example b.example,keys.example", KEYS, True),
        ("https://keys.example/", KEYS, True),
        ("keys.example:443", KEYS, True),
        ("keys.example:8443", KEYS, False),
        ("keys.example:8443", "https://keys.example:8443/", True),
        ("bücher.example", "https://bücher.example/", True),
        ("fd00::/8", "https://[fd12::1]/", True),
        ("fd00::/8", "https://[fe80::1]/", False),
        ("[fd00::]/8", "https://[fd12::1]/", True),
        ("[fd12::1]:443", "https://[fd12::1]/", True),
        ("fd12::1", "https://[fd12::1]/", True),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.1.2.3/8", "https://10.200.2.3/", True),
        ("10.0.0.0/8", "https://[::ffff:10.1.2.3]/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.1.2.3:443", "https://10.1.2.3/", True),
        ("::/0", "https://keys.example/", False),
        ("", KEYS, False),
        (" , ,", KEYS, False),
    ],
)
def test_no_proxy_takes_names_addresses_networks_and_ports(entry: str, url: str, is_exempt: bool) -> None:  # noqa: FBT001 - a row of the table
    proxies = Proxies.from_environment({"HTTPS_PROXY": PROXY, "NO_PROXY": entry})
    assert proxies.proxy_for(httpx2.URL(url)) == (None if is_exempt else PROXY)
    assert proxies.problems() == []


@pytest.mark.parametrize(
    "entry",
    ["fd00::/200", "[::1", "10.0.0.0/99", "10.*", "a/b", "keys.example:99999", "keys.example:x", "http://", "a..b",
     "[x]", "\x00", ":443", "\N{BOMB}", "x" * 300 + "\xfc"],
)  # fmt: skip
def test_an_entry_of_no_proxy_that_says_nothing_is_ignored_and_the_others_count(entry: str) -> None:
    proxies = Proxies.from_environment({"HTTPS_PROXY": PROXY, "no_proxy": f"{entry},other.example"})
    assert proxies.proxy_for(httpx2.URL(KEYS)) == PROXY
    assert proxies.proxy_for(httpx2.URL("https://other.example/")) is None
    [problem] = proxies.problems()
    assert problem.variable == "no_proxy"
