"""Startup accepts what libpq accepts, and refuses what libpq would refuse when it connects."""

import pytest

from runtime.addresses import postgres_url
from workers.queue.broker_address import broker_url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://h1:5432,h2:5432/db?target_session_attrs=read-write",
        "postgres://h1,h2:6000/db?load_balance_hosts=random",
        "postgresql:///db",
        "postgresql://user@%2Fvar%2Frun/db",
        "host=a,b port=5432 dbname=c",
        "host='a b' password='#[ '",
        "postgresql://h/db?sslmode=verify-full&sslrootcert=/there/later",
        "postgresql://h/db?connect_timeout=3&keepalives=0&application_name=x",
        "postgresql://[::1]:5432/db",
        "service=mine",
    ],
)
def test_what_libpq_takes_is_taken(url: str) -> None:
    assert postgres_url(url) == url


def test_a_value_is_utf8_whatever_the_locale_takes_it_for() -> None:
    in_ascii = "host=h password='\udcc3\udca9'"
    assert postgres_url(in_ascii) == "host=h password='é'"
    assert broker_url({"BROKER_URL": "amqp://u:\udcc3\udca9@h/"}) == "amqp://u:é@h/"


@pytest.mark.parametrize(
    "option",
    [
        "pgbouncer=true",
        "schema=public",
        "connection_limit=1",
        "sslmode=no-verify",
        "target_session_attrs=primary_please",
        "channel_binding=maybe",
        "gssencmode=x",
        "load_balance_hosts=y",
        "ssl_min_protocol_version=TLSv9",
        "require_auth=secret",
        "connect_timeout=soon",
        "keepalives=yes",
        "tcp_user_timeout=10s",
        "hostaddr=127.0.0.1,127.0.0.2",
    ],
)
def test_an_option_that_libpq_does_not_know_or_a_value_that_it_refuses_is_refused(option: str) -> None:
    for url in (f"postgresql://h/db?{option}", f"host=h dbname=db {option}"):
        with pytest.raises(ValueError, match=r"^$"):
            postgres_url(url)
