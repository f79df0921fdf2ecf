"""A group is kept in time by the queue, else by the spool, which later forwards it to the queue."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pika
import psycopg
import pytest
from dramatiq import Message

from receiver.keeping.durable import Durable
from receiver.keeping.keeper import NotKeptError
from receiver.keeping.spool import Spool
from receiver.keeping.spool_file import SpoolError
from runtime.addresses import is_postgres
from tests.faults.tcp_proxy import TcpProxy
from tests.processes import ROOT
from tests.workers.queue.deliveries import DEADLINE, a_delivery, in_queue
from workers.queue.delivery import Delivery
from workers.queue.message import QUEUE_NAME, decode_group
from workers.queue.rabbitmq_connection import declare

# A receiver's keeper on a disk that takes nothing: no file may grow, or be written at all.
ON_A_FULL_DISK = """
import asyncio, pathlib, resource, sys
from receiver.keeping.durable import Durable
from runtime.logs import set_up_logging

async def forward(url, spool):
    keeper = Durable(url, pathlib.Path(spool))
    await keeper.start()
    await asyncio.to_thread(sys.stdin.read)
    await keeper.stop()

set_up_logging()
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
asyncio.run(forward(*sys.argv[1:]))
"""

# What the vendor waits for an answer, in seconds: the one time that is part of the promise.
VENDOR_PATIENCE = 3.0


@asynccontextmanager
async def running(url: str, spool: Path) -> AsyncIterator[Durable]:
    keeper = Durable(url, spool)
    await keeper.start()
    try:
        yield keeper
    finally:
        await keeper.stop()


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return
        assert time.monotonic() < deadline, "It did not come about in time."
        await asyncio.sleep(0.02)


async def queue_answers(keeper: Durable) -> bool:
    return (await keeper.readiness()).queue.ok


async def queue_is_away(keeper: Durable) -> bool:
    return not await queue_answers(keeper)


def taken_from(broker_url: str) -> Iterator[Delivery]:
    """Take everything out of the queue."""
    if is_postgres(broker_url):
        with psycopg.connect(broker_url) as connection:
            rows = connection.execute("DELETE FROM rollcall_queue.queue RETURNING message->'args'->>0").fetchall()
        for row in rows:
            yield from decode_group(row[0])
        return
    rabbitmq = pika.BlockingConnection(pika.URLParameters(broker_url))
    channel = rabbitmq.channel()
    declare(channel, QUEUE_NAME)
    while (body := channel.basic_get(QUEUE_NAME, auto_ack=True)[2]) is not None:
        yield from decode_group(Message.decode(body).args[0])
    rabbitmq.close()


def test_a_group_goes_to_the_queue_while_that_answers(broker_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(broker_url, tmp_path) as keeper:
            await until(lambda: queue_answers(keeper))
            for _ in range(3):
                await keeper.keep([a_delivery()])
            assert keeper.state().spool.groups == 0

    asyncio.run(scenario())
    assert in_queue(broker_url) == 3


@pytest.mark.parametrize("fault", ["freeze", "refuse"])
def test_while_the_queue_is_away_groups_are_spooled_in_time_and_sent_on_when_it_is_back(
    fault: str, broker_url: str, proxied_url: str, proxy: TcpProxy, tmp_path: Path
) -> None:
    group = [a_delivery() for _ in range(12)]

    async def scenario() -> None:
        async with running(proxied_url, tmp_path) as keeper:
            await until(lambda: queue_answers(keeper))
            await keeper.keep(group[:1])
            getattr(proxy, fault)()
            begun = time.monotonic()
            for delivery in group[1:]:
                await keeper.keep([delivery])
            assert time.monotonic() - begun < VENDOR_PATIENCE
            assert keeper.state().spool.groups == len(group) - 1
            assert not keeper.state().is_queue_trusted
            assert not (await keeper.readiness()).queue.ok
            proxy.thaw()
            proxy.admit()
            await until(lambda: keeper.state().spool.groups == 0)
            await until(lambda: queue_answers(keeper))
            await keeper.keep([a_delivery()])
            assert keeper.state().spool.groups == 0

    asyncio.run(scenario())
    in_the_queue = list(taken_from(broker_url))
    assert {delivery.id for delivery in in_the_queue} >= {delivery.id for delivery in group}


def test_a_queue_that_is_away_at_the_start_is_no_error(proxied_url: str, proxy: TcpProxy, tmp_path: Path) -> None:
    proxy.refuse()

    async def scenario() -> None:
        async with running(proxied_url, tmp_path) as keeper:
            await keeper.keep([a_delivery()])
            assert keeper.state().spool.groups == 1
            proxy.admit()
            await until(lambda: keeper.state().spool.groups == 0)

    asyncio.run(scenario())


def test_a_receiver_sends_on_what_an_earlier_one_has_left(broker_url: str, tmp_path: Path) -> None:
    left = [[a_delivery()] for _ in range(3)]
    spools = [Spool(tmp_path) for _ in left]
    for spool, group in zip(spools, left, strict=True):
        spool.put(group)
    for spool in spools:
        spool.close()

    async def scenario() -> None:
        async with running(broker_url, tmp_path):
            await until(lambda: in_queue(broker_url) >= 1 and not list(tmp_path.glob("*[12].sqlite")))

    asyncio.run(scenario())
    assert {delivery.id for delivery in taken_from(broker_url)} == {group[0].id for group in left}


def test_without_queue_and_spool_a_group_is_not_kept(queue_database: str, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.write_text("a file is where the folder should be")

    async def scenario() -> None:
        async with running("amqp://guest:guest@127.0.0.1:1", folder) as keeper:
            with pytest.raises(NotKeptError):
                await keeper.keep([a_delivery()])
            readiness = await keeper.readiness()
            assert not readiness.queue.ok
            assert not readiness.spool.ok
        async with running(queue_database, folder) as keeper:
            await until(lambda: queue_answers(keeper))
            await keeper.keep([a_delivery()])  # the queue alone is enough

    asyncio.run(scenario())
    assert in_queue(queue_database) == 1


def test_once_the_queue_is_back_it_is_used_again_though_the_spool_takes_nothing(
    proxied_url: str, proxy: TcpProxy, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    folder.write_text("a file is where the folder should be")

    async def scenario() -> None:
        async with running(proxied_url, folder) as keeper:
            proxy.refuse()
            for _ in range(4):
                with pytest.raises(NotKeptError):
                    await keeper.keep([a_delivery()])
            proxy.admit()
            await until(lambda: _is_kept(keeper))
            assert keeper.state().is_queue_trusted

    asyncio.run(scenario())


def test_a_look_at_the_readiness_keeps_no_group_out_of_the_spool(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running("amqp://guest:guest@127.0.0.1:1", tmp_path) as keeper:
            for _ in range(10):
                looking = asyncio.create_task(keeper.readiness())
                await asyncio.sleep(0)  # it is under way
                await keeper.keep([a_delivery()])
                assert (await looking).spool.ok
            assert keeper.state().spool.groups == 10

    asyncio.run(scenario())


def test_a_spool_whose_disk_hangs_is_not_waited_for_again_and_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running("amqp://guest:guest@127.0.0.1:1", tmp_path) as keeper:
            gate, begun = threading.Event(), threading.Event()

            def hang() -> None:
                begun.set()
                gate.wait(60)

            hanging = asyncio.create_task(keeper._on_disk(hang))  # noqa: SLF001 - no disk hangs on demand
            await until(begun.is_set)
            with pytest.raises(SpoolError, match="in time"):
                await hanging
            assert not (await keeper.readiness()).spool.ok
            with pytest.raises(NotKeptError):
                await keeper.keep([a_delivery()])
            gate.set()
            await until(lambda: _is_kept(keeper))
            assert keeper.state().spool.groups == 1

    asyncio.run(scenario())


async def _is_kept(keeper: Durable) -> bool:
    try:
        await keeper.keep([a_delivery()])
    except NotKeptError:
        return False
    return True


def test_a_spool_write_whose_time_was_up_before_it_began_does_not_keep_out_the_next(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running("amqp://guest:guest@127.0.0.1:1", tmp_path) as keeper:
            gate = threading.Event()
            # As after a standstill of the whole process: the loop wakes before the thread that writes.
            keeper._disk.submit(gate.wait)  # noqa: SLF001 - there is no other way to hold up that thread
            with pytest.raises(NotKeptError):
                await keeper.keep([a_delivery()])
            gate.set()
            await keeper.keep([a_delivery()])
            assert keeper.state().spool.groups == 1

    asyncio.run(scenario())


def test_a_spool_that_can_not_be_opened_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.write_text("")
    with pytest.raises(SpoolError, match="can't be used"):
        Spool(folder).put([a_delivery()])


@pytest.mark.parametrize("is_killed", [False, True])
def test_what_lies_in_the_spool_of_a_full_disk_is_sent_on_after_a_restart(
    broker_url: str, tmp_path: Path, *, is_killed: bool
) -> None:
    # More than leaves at once, in the receiver's own file and in that of a process that no longer runs.
    left = [[a_delivery() for _ in range(200)] for _ in range(8)]
    spools = [Spool(tmp_path), Spool(tmp_path)]
    for place, group in enumerate(left):
        spools[place % 2].put(group)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for spool in spools:
        spool.close()
    if is_killed:  # the folder as a process that was killed leaves it
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
    process = subprocess.Popen(
        [sys.executable, "-c", ON_A_FULL_DISK, broker_url, tmp_path], stdin=subprocess.PIPE, cwd=ROOT
    )
    try:
        sent: set[UUID] = set()

        def all_is_sent() -> bool:
            sent.update(delivery.id for delivery in taken_from(broker_url))
            return len(sent) == sum(map(len, left))

        asyncio.run(until(all_is_sent))
    finally:
        process.communicate()
    assert sent == {delivery.id for group in left for delivery in group}
    assert process.returncode == 0
