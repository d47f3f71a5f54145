"""Extremes: numbers at the ends of 64 bits are computed with or refused; no library's warning comes out (here they are errors)."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

LONG = np.longdouble("1e400") if np.finfo(np.longdouble).max > np.finfo(np.float64).max else np.longdouble("inf")

WEIGHTS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    "times 1e300": (lambda g: g * 1e300, 2),
    "times 1e-300": (lambda g: g * 1e-300, 0),
    "the smallest number": (lambda g: np.full_like(g, 5e-324), 0),
    "half precision": (lambda g: (g * 1e6).astype(np.float16), 0),
    "more than 64 bits": (lambda g: np.full(g.shape, LONG), 2),
    "nothing": (lambda g: g * 0, 2),
    "below 0": (lambda g: -g, 2),
    "no numbers": (lambda g: np.full_like(g, np.nan), 2),
}


@pytest.fixture(params=WEIGHTS)
def strange(request: pytest.FixtureRequest, hwsim, trained: Path) -> tuple[Path, int]:
    """Make a run whose conductances are extreme; returns it with the exit code of the commands that use it."""
    del hwsim
    change, code = WEIGHTS[request.param]
    shutil.copytree(trained, "run")
    with np.load(trained / "weights.npz") as weights:
        np.savez("run/weights.npz", **{name: change(values) for name, values in weights.items()})
    return Path("run"), code


def test_extreme_conductances_are_bounded_or_refused(hwsim, strange: tuple[Path, int]) -> None:
    """Every command that uses a run's conductances does the same with them."""
    run, code = strange
    for words in (["evaluate", run], ["solve", run, "--currents"], ["inspect", run], ["compile", run, "-o", "deck.cir"], ["report", run]):
        answer = hwsim(*words)
        assert answer.code == code, answer.err
        assert ("is not a positive number" in answer.err or "weights.npz: w1 holds" in answer.err) == (code == 2)


@pytest.mark.parametrize("size", [1e300, 1e150, 1e10, 1e-170, 1e-310])
@pytest.mark.parametrize("scaling", ["none", "standard"])
def test_extreme_features_are_solved(hwsim, size: float, scaling: str) -> None:
    """Scaled they are like any others, and as volts they have an equilibrium, as ngspice finds it too."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (30, 4)), np.arange(30) % 3
    settings = ("--set", f"data.scaling={scaling}", "--set", "data.clip=", "--json")
    for name, unit in (("plain", 1.0), ("extreme", size)):
        np.savez(f"{name}.npz", x=x * unit, y=y)
    plain, extreme = (hwsim("solve", "iris", "--data", f"{name}.npz", *settings) for name in ("plain", "extreme"))
    assert extreme.code == 0, extreme.err
    if scaling == "standard":
        assert np.allclose(plain.json["outputs"], extreme.json["outputs"], atol=1e-9)


def test_what_overflows_is_a_failure(hwsim) -> None:
    """The largest volts exceed the range in their first sum; the line reports it, and no warning goes before it."""
    x = np.random.default_rng(0).uniform(0.5, 1, (30, 4)) * np.finfo(np.float64).max
    np.savez("extreme.npz", x=x, y=np.arange(30) % 3)
    answer = hwsim("solve", "iris", "--data", "extreme.npz", "--set", "data.scaling=none", "--set", "data.clip=")
    assert answer.code == 1
    assert "voltages overflowed" in answer.err
    assert len(answer.err.splitlines()) == 1
