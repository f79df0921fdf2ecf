"""Faults of what Rollcall's processes run in: disks, stderr, descriptors, the clock, hostile connections."""

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

from benchmarks.chaos.fault import Fault, SparedError
from benchmarks.chaos.hostility import Hostility
from benchmarks.chaos.part import Part
from benchmarks.chaos.queue_faults import INTAKE
from benchmarks.chaos.stage import Stage, receiver_is_ready
from benchmarks.chaos.waiting import NeverCameError, wait_until

# How far the clock jumps, as libfaketime takes it, and the seconds for which it stays there.
_JUMPS = ("+3d", "-3d", "@1969-12-30 00:00:00", "+400d", "+0")
_JUMP_SECONDS = 1.5
_START_SECONDS = 4.0
_READY_WITHIN = 15.0
_FAKETIME = Path("/usr/lib")
# libfaketime's sleep fails where it leaves the monotonic clock alone: processes under it sleep otherwise.
_SLEEP = """
import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds)
"""
# Descriptors left to a receiver.
_LEFT = 2


def of_full_spool_disk(stage: Stage) -> Iterator[Fault]:
    """The spool's disk is full: while the queue takes all, while it does not, and when a receiver starts on it."""
    kinds = ("spool disk full", "spool disk full, queue away", "spool disk full, queue back, receiver restarted")
    if not stage.disks:
        stage.left_out |= dict.fromkeys(kinds, stage.why_no_disks)
        return
    disk = stage.disks[stage.spool]
    receiver = stage.receivers[0]

    def take_queue() -> None:
        for proxy in stage.to_queue:
            proxy.refuse()

    def give_queue() -> None:
        for proxy in stage.to_queue:
            proxy.admit()

    def fill_without_queue() -> None:
        take_queue()
        time.sleep(1)  # so that something lies there
        disk.fill()

    def make_room_and_give_queue() -> None:
        disk.make_room()
        give_queue()

    def restart_on_full_disk() -> None:
        fill_without_queue()
        receiver.kill()
        receiver.start()
        give_queue()

    def make_room() -> None:
        give_queue()
        disk.make_room()

    yield Fault(kinds[0], "spool", disk.fill, disk.make_room, 10.0)
    yield Fault(kinds[1], "spool", fill_without_queue, make_room_and_give_queue, 8.0, also=(INTAKE,))
    yield Fault(kinds[2], "spool", restart_on_full_disk, make_room, 10.0, also=(INTAKE, receiver.name))


def of_full_log_disk(stage: Stage) -> Iterator[Fault]:
    """No line of any log can be written."""
    kind = "log disk full"
    if not stage.disks:
        stage.left_out[kind] = stage.why_no_disks
        return
    disk = stage.disks[stage.logs]
    yield Fault(kind, "logs", disk.fill, disk.make_room, 10.0)


def of_stderr(stage: Stage) -> Iterator[Fault]:
    """A part's stderr is a full device, or a pipe that nobody reads any more."""

    def to_full_device(part: Part) -> None:
        part.stop_in_order()
        descriptor = os.open("/dev/full", os.O_WRONLY)
        part.start(errors=descriptor)
        os.close(descriptor)

    def to_cut_pipe(part: Part) -> None:
        part.stop_in_order()
        reading, writing = os.pipe()
        part.start(errors=writing)
        os.close(writing)
        time.sleep(_START_SECONDS)
        os.close(reading)

    for kind, part in _kinds_of_parts(stage):
        yield Fault(f"{kind} stderr to a full device", part.name, _with(to_full_device, part), _again(part), 10.0)
        yield Fault(f"{kind} stderr without a reader", part.name, _with(to_cut_pipe, part), _again(part), 10.0)


def of_descriptors(stage: Stage) -> Iterator[Fault]:
    """A receiver can open no more files, connections included."""

    def take(part: Part, port: int) -> None:
        try:
            wait_until(lambda: receiver_is_ready(port), "the receiver is ready", _READY_WITHIN)
        except NeverCameError as error:  # to start without descriptors is another story: it ends
            raise SparedError from error
        for process in _family(part):
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
                resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (min(process.num_fds() + _LEFT, most), most))

    def give(part: Part) -> None:
        for process in _family(part):
            with suppress(ProcessLookupError):
                _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
                resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (min(1024, most), most))

    for part, port in zip(stage.receivers, stage.ports, strict=True):
        yield Fault("receiver descriptors exhausted", part.name, _with(take, part, port), _with(give, part), 8.0)


def of_clock(stage: Stage) -> Iterator[Fault]:
    """A part's clock jumps: days forward and back, before 1970, more than a year ahead."""
    library = next(_FAKETIME.glob("*/faketime/libfaketimeMT.so.1"), None)
    for kind, part in _kinds_of_parts(stage):
        name = f"{kind} clock jumps"
        if library is None:
            stage.left_out[name] = "libfaketime is not installed (Debian and Ubuntu: apt-get install faketime)"
            continue
        yield Fault(name, part.name, _with(_jump, part, library, stage), _again(part), 0.0)


def _jump(part: Part, library: Path, stage: Stage) -> None:
    folder = stage.folder / f"clock-of-{part.name}"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(_SLEEP)
    offset = folder / "offset"

    def set_offset(jump: str) -> None:
        unfinished = offset.with_suffix(".new")
        unfinished.write_text(f"{jump}\n")
        unfinished.replace(offset)

    set_offset("+0")
    part.stop_in_order()
    part.start(
        {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": f"{folder}:{stage.python_path}",
        }
    )
    time.sleep(_START_SECONDS)
    for jump in _JUMPS:
        set_offset(jump)
        time.sleep(_JUMP_SECONDS)


def of_hostile_connections(stage: Stage) -> Iterator[Fault]:
    """Silent, stalled, endless and unread connections at a receiver, beside the load."""
    for part, port in zip(stage.receivers, stage.ports, strict=True):
        ending = ExitStack()

        def begin(port: int = port, ending: ExitStack = ending) -> None:
            ending.enter_context(Hostility(port))

        yield Fault("hostile connections", part.name, begin, ending.close, 10.0)


def _kinds_of_parts(stage: Stage) -> Iterator[tuple[str, Part]]:
    for kind, parts in (("receiver", stage.receivers), ("worker", stage.workers)):
        for part in parts:
            yield kind, part


def _with(act: Callable[..., None], *arguments: object) -> Callable[[], None]:
    return lambda: act(*arguments)


def _again(part: Part) -> Callable[[], None]:
    def restart() -> None:
        part.stop_in_order()
        part.start()

    return restart


def _family(part: Part) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess, ProcessLookupError):
        process = psutil.Process(part.pid)
        return [process, *process.children(recursive=True)]
    return []
