"""Keys change and strangers knock while good deliveries come in: none of these is lost."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.chaos.posting import Plan
from benchmarks.chaos.vendor import Vendor
from tests.faults.conftest import RATE, Theatre, theatre_of
from tests.receiver.key_server import KeyServer, run_key_server
from tests.receiver.running import public_pem


@pytest.fixture
def key_server() -> Iterator[KeyServer]:
    with run_key_server() as server:
        yield server


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_the_vendor_changes_its_key_and_then_a_stranger_floods_the_receivers(key_server: KeyServer) -> None:
    old, new = _new_key(), _new_key()
    key_server.serve_key(public_pem(old))
    with theatre_of("postgres", WEBHOOK_PUBLIC_KEYS="", WEBHOOK_KEY_URLS=key_server.url) as theatre:
        theatre.stage.key = old
        with theatre.under_load() as load:
            key_server.serve_key(public_pem(new))
            load.vendor.sign_with(new)
            load.goes_on(2 * RATE)
        assert 401 not in load.account.refused
        theatre.stage.key = new
        _flood(theatre)


def _flood(theatre: Theatre) -> None:
    plan = Plan(ports=theatre.stage.ports, rate=2 * RATE, seed=0, tries=1)
    with theatre.under_load() as load, Vendor(plan, _new_key()) as stranger:
        load.goes_on(2 * RATE)
        forged = stranger.stop()
    assert not forged.accepted
    assert set(forged.refused) <= {401, 503}
    assert forged.refused.total() > 0
    assert not load.account.refused
    assert not load.account.unanswered
