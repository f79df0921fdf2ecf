"""CPU seconds by process: each part with all its children, including those that have ended."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import psutil


class CpuAccount:
    """Reads the CPU time of named parts of a system.

    Args:
        parts: the main process of each part; its children count with it.
    """

    def __init__(self, parts: Mapping[str, int]) -> None:
        self._parts = {name: psutil.Process(pid) for name, pid in parts.items()}

    def read(self) -> dict[str, float]:
        """Return the CPU seconds of each part so far."""
        return {name: sum(map(_seconds, _family(process))) for name, process in self._parts.items()}


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return the CPU seconds of each part between two readings."""
    return {name: after[name] - before[name] for name in before}


def resident_mib(pid: int) -> tuple[float, float]:
    """Return the memory of a process and its children in MiB: the current sum, and the sum of their peaks."""
    family = _family(psutil.Process(pid))
    return sum(_status_mib(process, "VmRSS") for process in family), sum(
        _status_mib(process, "VmHWM") for process in family
    )


def running_seconds(pid: int, *, but: Collection[int] = ()) -> float:
    """Return the seconds that the present threads of a process and its children have run, to the nanosecond.

    Args:
        pid: the process.
        but: children to leave out.
    """
    nanoseconds = 0
    for process in _family(psutil.Process(pid)):
        if process.pid not in but:
            for thread in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
                nanoseconds += int(thread.read_text(encoding="ascii").split()[0])
    return nanoseconds / 1e9


def rabbitmq_pid() -> int | None:
    """Return RabbitMQ's process, if it runs on this machine."""
    names = (process for process in psutil.process_iter(["name"]) if process.info["name"] == "beam.smp")
    return next((process.pid for process in names), None)


def _family(process: psutil.Process) -> Iterable[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # it has just ended; its time now counts as its parent's
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _status_mib(process: psutil.Process, field: str) -> float:
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:  # noqa: PTH123 - a line of the kernel's
        for line in status:
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return 0.0
