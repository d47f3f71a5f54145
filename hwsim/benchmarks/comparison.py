"""Comparison of a benchmark with a stored run: what became slower, by how much, and what differs in the machine."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hwsim.benchmarks.figures import BenchRun, Figure
from hwsim.benchmarks.turns import Spread

MARGIN = 1.05
"""A smaller change of medians is not reported as one, however little the rounds spread."""

Verdict = Literal["slower", "faster", "same", "another machine"]

_MACHINE = ("cpu", "cores", "machine", "jax_devices", "python", "ngspice")
_PACKAGES = ("jax", "jaxlib", "numpy", "scipy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A case, then and now.

    Parameters
    ----------
    before, now
        The figure, of which more is slower.
    change
        Now over before: of the medians, and the least and the most that both spreads allow.
    verdict
        `slower` where even the fastest round now is slower than the slowest one before, and the median by more than `MARGIN`; `faster`
        where it is the other way round. Times of another machine are not compared.

    """

    benchmark: str
    case: str
    before: Spread
    now: Spread
    change: Spread
    verdict: Verdict


def changes(before: BenchRun, now: BenchRun) -> list[Change]:
    """Compare the cases that both runs have, in the order of the later one."""
    same_machine = not any(key in _MACHINE for key, *_ in _differing(before.environment, now.environment))
    pairs = ((key, before.figures[key], figure) for key, figure in now.figures.items() if key in before.figures)
    return [_change(key, then, figure, same_machine=same_machine) for key, then, figure in pairs]


def _change(key: tuple[str, str], before: Figure, now: Figure, *, same_machine: bool) -> Change:
    then, later = before.spread, now.spread
    change = Spread(median=later.median / then.median, least=later.least / then.most, most=later.most / then.least)
    verdict: Verdict = "same"
    if now.absolute and not same_machine:
        verdict = "another machine"
    elif change.least > 1 and change.median > MARGIN:
        verdict = "slower"
    elif change.most < 1 and change.median < 1 / MARGIN:
        verdict = "faster"
    return Change(benchmark=key[0], case=key[1], before=then, now=later, change=change, verdict=verdict)


def differences(before: BenchRun, now: BenchRun) -> list[str]:
    """Return what differs in machine, versions and load, a line each: `cores: 2, now 8`."""
    lines = [f"{key}: {then}, now {later}" for key, then, later in _differing(before.environment, now.environment)]
    loads = [one.environment.get("load_before") for one in (before, now)]
    if all(isinstance(load, int | float) for load in loads):
        lines.append(f"load before it began: {loads[0]:.1f}, now {loads[1]:.1f}")
    return lines


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    yield from ((key, before.get(key), now.get(key)) for key in _MACHINE if before.get(key) != now.get(key))
    then, later = (one.get("packages") or {} for one in (before, now))
    yield from ((key, then.get(key), later.get(key)) for key in _PACKAGES if then.get(key) != later.get(key))
