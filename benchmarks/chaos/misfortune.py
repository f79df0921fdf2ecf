"""Misfortune: which faults come when, by a seed."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.chaos.fault import Fault, SparedError
from benchmarks.chaos.faults import faults_of
from benchmarks.chaos.stage import Stage

# Seconds between two faults, or pairs of them, and the share of pairs.
_SHORTEST_GAP, _LONGEST_GAP, _PAIRS = 1.5, 4.0, 0.25
# Where there is so much time, every kind has to come.
ENOUGH_SECONDS = 600.0
_LONGEST = 60.0


class Misfortune:
    """Faults in the order and at the times that a seed gives; what still suffers from one is spared the next.

    The kinds come as from a pack of cards: all of them, shuffled, before any comes again.

    Attributes:
        befallen: how often each kind came.
        periods: when each was on, by the monotonic clock.
        failures: what did not go as it must when a fault began or ended, or never came.
    """

    def __init__(self, stage: Stage, seed: int) -> None:
        self.befallen: Counter[str] = Counter()
        self.periods: list[tuple[Fault, float, float]] = []
        self.failures: list[str] = []
        self._stage = stage
        self._faults: dict[str, list[Fault]] = {}
        for fault in faults_of(stage):
            self._faults.setdefault(fault.kind, []).append(fault)
        self._pack: list[str] = []
        self._chance = random.Random(seed)
        self._suffering: set[str] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def rage(self, seconds: float) -> None:
        """Let faults befall the stage for so long, then return when the last has ended.

        Where that is enough for all, those that others always stood in the way of come afterwards, one at a time.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, self._chance.uniform(_SHORTEST_GAP, _LONGEST_GAP)))
            self._stage.supervise()
            for _ in range(2 if self._chance.random() < _PAIRS else 1):
                self._befall(self._drawn(), min(left, _LONGEST))
        self._wait()
        if seconds >= ENOUGH_SECONDS:
            for kind in self._never_came():
                self._befall([kind], _LONGEST)
                self._wait()
            self.failures += [f"{kind}: it never came." for kind in self._never_came()]

    def _never_came(self) -> list[str]:
        return [kind for kind in sorted(self._faults) if not self.befallen[kind]]

    def _wait(self) -> None:
        for thread in self._threads:
            thread.join()

    def _drawn(self) -> list[str]:
        """Return the kinds that are left, in their order; each is as likely as the next, whatever it can befall."""
        if not self._pack:
            self._pack = sorted(self._faults)
            self._chance.shuffle(self._pack)
        return self._pack.copy()

    def _befall(self, kinds: Sequence[str], left: float) -> None:
        """Let the first kind come whose targets suffer from nothing now."""
        for kind in kinds:
            fault = self._chance.choice(self._faults[kind])
            lasts = min(left, self._chance.uniform(0, fault.longest))
            with self._lock:
                if fault.targets & self._suffering:
                    continue
                self._suffering |= fault.targets
                if kind in self._pack:
                    self._pack.remove(kind)
                self.befallen[kind] += 1
            thread = threading.Thread(target=self._suffer, args=(fault, lasts), daemon=True)
            self._threads.append(thread)
            thread.start()
            return

    def _suffer(self, fault: Fault, lasts: float) -> None:
        began = time.monotonic()
        try:
            try:
                fault.begin()
                time.sleep(lasts)
            finally:
                fault.end()
        except SparedError:
            with self._lock:
                self.befallen[fault.kind] -= 1
                self._pack.append(fault.kind)
        except Exception as error:  # noqa: BLE001 - reported in the summary; the other faults go on
            self.failures.append(f"{fault.kind}: {type(error).__name__}: {error}")
        with self._lock:
            self._suffering -= fault.targets
            self.periods.append((fault, began, time.monotonic()))
