"""The TLS options of a RabbitMQ URL: what is taken, and that none weakens the check of the server."""

import ssl
from pathlib import Path
from urllib.parse import quote

import pika
import pytest

from runtime.environment import SettingError
from tests.authority import Authority
from workers.queue.broker_address import broker_url

HOST = "amqps://user:geheim@mq.example"


def parameters(query: str, host: str = HOST, **environment: str) -> pika.URLParameters:
    return pika.URLParameters(broker_url({"BROKER_URL": f"{host}{query}", **environment}))


def tls(node: pika.URLParameters) -> pika.SSLOptions:
    assert node.ssl_options is not None
    return node.ssl_options


def checks_the_server(node: pika.URLParameters) -> bool:
    context = tls(node).context
    return context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname is True


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_the_options_of_rabbitmqs_clients_are_taken(authority: Authority) -> None:
    certificate, key = authority.issue("client")
    node = parameters(
        f"/vhost?cacertfile={quote(str(authority.file))}&certfile={certificate}&keyfile={key}&verify=verify_peer"
        "&server_name_indication=other.example&heartbeat=7"
    )
    assert (node.host, node.virtual_host, node.heartbeat) == ("mq.example", "vhost", 7)
    assert tls(node).server_hostname == "other.example"
    assert len(tls(node).context.get_ca_certs()) == 1
    assert checks_the_server(node)


def test_picas_own_option_is_taken(authority: Authority) -> None:
    node = parameters(f"?ssl_options={quote(repr({'cafile': str(authority.file)}))}")
    assert len(tls(node).context.get_ca_certs()) == 1
    assert checks_the_server(node)


def test_a_client_certificate_leaves_the_machines_authorities_in_place(authority: Authority) -> None:
    certificate, key = authority.issue("client")
    assert checks_the_server(parameters(f"?certfile={certificate}&keyfile={key}"))


def test_the_environments_authorities_hold_for_each_node_that_names_none(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    url = broker_url({"BROKER_URL": f"{HOST}; {HOST}?cacertfile={other.file}", "SSL_CERT_FILE": str(authority.file)})
    nodes = [pika.URLParameters(node) for node in url.split(";")]
    names = [tls(node).context.get_ca_certs()[0]["subject"][0][0][1] for node in nodes]
    assert names == ["authority", "other"]


def test_where_the_environments_authorities_are_gone_nobody_is_trusted() -> None:
    node = parameters("", SSL_CERT_FILE="/gone")
    assert checks_the_server(node)
    assert tls(node).context.cert_store_stats()["x509"] == 0


def test_without_options_the_url_stays_as_it_is() -> None:
    for url in (HOST, f"{HOST}/?heartbeat=5", "amqp://guest:guest@mq.example/%2F?socket_timeout=2"):
        assert broker_url({"BROKER_URL": url}) == url


@pytest.mark.parametrize(
    "query",
    [
        "verify=verify_none", "verify=cert_none", "verify=none", "verify=0", "verify=false", "verify=", "verify",
        "verify=verify_peer&verify=verify_none", "cacertfile=", "cacertfile=/gone.pem", "cacertfile=/dev/null",
        "cacertfile=/", "certfile=/gone.pem", "keyfile=/gone.pem", "server_name_indication=disable",
        "server_name_indication=", "password=geheim&keyfile=x", "ssl_options={}x", "ssl_options=",
        "ssl_options=None", "ssl_options=[1]", "ssl_options={'protocol': 2}",
        "ssl_options={'ciphers': 'ALL:@SECLEVEL=0'}",
        "ssl_options={'cert_reqs': 0}", "ssl_options={'check_hostname': False}", "ssl_options={'verify': False}",
        "ssl_options={'server_hostname': None}", "ssl_options={'cafile': 3}", "ssl_options={'cafile': ['x']}",
        "ssl_options={'server_hostname': 'a'}&server_name_indication=b", "ssl_options=" + "[" * 10000,
        "ssl_options={1: 2}",
    ],
)  # fmt: skip
def test_an_option_that_weakens_tls_or_can_not_be_used_is_refused_by_name(query: str) -> None:
    with pytest.raises(SettingError, match=r"^BROKER_URL takes ") as raised:
        broker_url({"BROKER_URL": f"{HOST}/?{quote(query, safe='=&')}"})
    assert "geheim" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("option", ["cacertfile", "certfile", "ssl_options", "verify", "server_name_indication"])
def test_an_option_of_tls_in_a_url_without_tls_is_refused(option: str, authority: Authority) -> None:
    value = {"verify": "verify_peer", "ssl_options": repr({"cafile": str(authority.file)})}.get(option, "x")
    with pytest.raises(SettingError, match="amqps"):
        broker_url({"BROKER_URL": f"amqp://mq.example?{option}={quote(value)}"})


def test_a_key_with_a_password_needs_it_and_never_asks_for_it(authority: Authority) -> None:
    certificate, key = authority.issue("client", password="secret")
    with pytest.raises(SettingError):
        parameters(f"?certfile={certificate}&keyfile={key}")
    assert checks_the_server(parameters(f"?certfile={certificate}&keyfile={key}&password=secret"))
