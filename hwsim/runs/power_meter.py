"""What a simulation takes from the mains: processor time of this process and its workers, counters of energy where they can be read."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from circuits.units import Joule, Second, Watt
from hwsim.formatting import quantity

RAPL = Path("/sys/class/powercap")
"""Where Linux shows what processor packages have taken, in microjoules; on most machines to root alone."""

_BETWEEN = 1.0
"""Seconds between two looks at workers: it takes longer than an epoch of a small circuit."""


class Consumption(NamedTuple):
    """What a meter has counted; the names are those in a run's metrics.

    Parameters
    ----------
    processor_s
        Time of processors that this process and its workers took [s].
    simulation_J
        What the computer took for that [J].

    """

    processor_s: Second
    simulation_J: Joule  # noqa: N815 - a unit


class _Counters(NamedTuple):
    """What all counters show: of processor time [s], of packages and of cards [J]."""

    processor_s: Second
    packages_J: Joule  # noqa: N815 - a unit
    cards_J: Joule  # noqa: N815 - a unit


class PowerMeter:
    """Counts from its creation.

    Where the counters of the processor's packages can be read (RAPL), they are: these count whatever else the machine does meanwhile.
    Elsewhere each second of a processor counts as `core_watts`. A graphics card that JAX uses is added, where NVML shows its counter.
    Memory, fans, power supplies and the air conditioning are left out.

    Parameters
    ----------
    core_watts
        What a busy core takes [W].
    packages
        Where to look for the counters of packages.

    """

    def __init__(self, core_watts: Watt, packages: Path = RAPL) -> None:
        self._core_watts = core_watts
        self._packages = list(_packages(packages))
        self._cards: _Cards | None = None
        self._looked, self._workers = -_BETWEEN, 0.0
        self._last = self._now()

    @property
    def method(self) -> str:
        """How joules are counted, in a line."""
        processor = f"RAPL of {len(self._packages)} packages" if self._packages else f"{self._core_watts:g} W a busy core"
        return f"{processor} and NVML" if self._cards and self._cards.open else processor

    def since(self, *, workers: bool = False) -> Consumption:
        """Return what was counted since the last call, or the creation; `workers` looks at these now, not only once a second."""
        if workers:
            self._looked = -_BETWEEN
        before = self._last
        self._last = now = _Counters(*(max(pair) for pair in zip(before, self._now(), strict=True)))  # one that ends may count later
        seconds = now.processor_s - before.processor_s
        packages = now.packages_J - before.packages_J if self._packages else seconds * self._core_watts
        return Consumption(seconds, packages + now.cards_J - before.cards_J)

    def _now(self) -> _Counters:
        """Read the counters of processor time, packages and cards; the last are looked for when JAX is there."""
        if (now := time.monotonic()) - self._looked > _BETWEEN:
            self._looked, self._workers = now, _of_workers()
        if self._cards is None and "jax" in sys.modules:
            self._cards = _Cards()
        times = os.times()
        seconds = times.user + times.system + times.children_user + times.children_system + self._workers
        return _Counters(seconds, sum(package.joules() for package in self._packages), self._cards.joules() if self._cards else 0.0)


def _of_workers() -> Second:
    """Return the processor time of child processes that still run [s]."""
    if _childless():
        return 0.0
    import psutil  # noqa: PLC0415 - a tenth of a second, only where there are some

    seconds = 0.0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it ended meanwhile
            times = child.cpu_times()
            seconds += times.user + times.system
    return seconds


def _childless() -> bool:
    """Whether Linux lists no child of any thread of this process; False too where nothing is listed."""
    try:
        lists = [file.read_bytes() for file in Path("/proc/self/task").glob("*/children")]
    except OSError:  # a thread ended meanwhile
        return False
    return bool(lists) and not any(lists)


class _Package:
    """The counter of one processor package; it begins again at 0 after the largest number that it holds."""

    def __init__(self, folder: Path) -> None:
        self._file, self._range = folder / "energy_uj", int((folder / "max_energy_range_uj").read_text())
        self._before, self._turns = int(self._file.read_text()), 0

    def joules(self) -> Joule:
        """Return what it shows, turns counted [J]."""
        now = int(self._file.read_text())
        self._turns += now < self._before
        self._before = now
        return 1e-6 * (now + self._turns * self._range)


def _packages(folder: Path) -> Iterator[_Package]:
    """Return the counters of whole packages that can be read; those within a package would count twice."""
    for package in sorted(folder.glob("intel-rapl:[0-9]")):
        with suppress(OSError, ValueError):
            yield _Package(package)


class _Cards:
    """The counters of graphics cards since now, where JAX uses some and NVIDIA's library is installed."""

    def __init__(self) -> None:
        self.open: list[Any] = []
        self._first = 0.0
        if sys.modules["jax"].default_backend() != "gpu":
            return
        with suppress(ImportError):
            import pynvml  # noqa: PLC0415 - only on machines with such cards

            self._library = pynvml
            with suppress(pynvml.NVMLError):
                pynvml.nvmlInit()
                cards = [pynvml.nvmlDeviceGetHandleByIndex(k) for k in range(pynvml.nvmlDeviceGetCount())]
                self._first = sum(map(self._joules, cards))
                self.open = cards

    def joules(self) -> Joule:
        """Return what all of them have taken [J]."""
        return sum(map(self._joules, self.open)) - self._first

    def _joules(self, card: Any) -> Joule:
        return 1e-3 * float(self._library.nvmlDeviceGetTotalEnergyConsumption(card))


def spelled_consumption(summary: Mapping[str, Any]) -> str:
    """Describe what the simulation of a summary took, in a line."""
    weight = summary.get("simulation_kg_CO2e")
    released = "" if weight is None else f", {quantity(1e3 * weight, 'g')} of CO2 equivalents"
    return f"{quantity(1e3 * summary['simulation_kWh'], 'Wh')}{released} ({summary['simulation_method']})"
