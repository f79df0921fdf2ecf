"""Answers of the vendor's API have an actor of their own: a version without it parks them, one with it reads them."""

import random
from datetime import timedelta

import msgspec
import pytest

from tests.vendor_api.observing import all_answers
from tests.vendor_api.world import NINE, made_up
from workers.queue.envelope import read_message
from workers.queue.message import ACTOR_NAME, OBSERVING_ACTOR_NAME, answers_message, decode_answers
from workers.queue.parking import is_readable
from workers.queue.unreadable import Unreadable, UnreadableError

OLD, NEW = {ACTOR_NAME}, {ACTOR_NAME, OBSERVING_ACTOR_NAME}


def test_a_version_without_the_actor_parks_answers_and_one_with_it_takes_them_back() -> None:
    [answers] = all_answers(made_up(random.Random(1), 1), NINE + timedelta(hours=12))
    body = answers_message(answers).encode()
    with pytest.raises(UnreadableError) as refused:
        read_message(body, OLD)
    assert refused.value.reason is Unreadable.UNKNOWN_ACTOR
    assert (is_readable(body, OLD), is_readable(body, NEW)) == (False, True)
    assert decode_answers(read_message(body, NEW).args[0]) == answers


def test_answers_of_a_version_to_come_stay_parked() -> None:
    body = msgspec.json.decode(answers_message(all_answers(made_up(random.Random(1), 1), NINE)[0]).encode())
    assert not is_readable(msgspec.json.encode({**body, "args": ["not what this version packs"]}), NEW)
