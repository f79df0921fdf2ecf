"""What a receiver that watches key documents answers."""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from receiver.keys.watch import Pace
from tests.receiver.conftest import MovableClock
from tests.receiver.running import RunningReceiver, sign

BODY = b'{"event":"meeting.started"}'

# Looks of the receiver's own accord as often as a test can wait for.
OFTEN = Pace(refresh_seconds=0.02, first_retry_seconds=0.02, last_retry_seconds=0.02)


def is_ready(receiver: RunningReceiver) -> bool:
    return receiver.ask("GET", "/readyz").status == 200


def status(receiver: RunningReceiver, key: RSAPrivateKey) -> int:
    answer = receiver.post(BODY, rtk_signature=sign(key, BODY))
    assert answer.status == 200 or answer.is_error
    return answer.status


def status_a_minute_later(receiver: RunningReceiver, key: RSAPrivateKey, clock: MovableClock) -> int:
    clock.move(minutes=1)
    return status(receiver, key)
