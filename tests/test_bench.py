"""The benchmark compares like with like, and says how well each engine did. Its clock here is a counter: nothing is timed."""

import itertools
import json
from pathlib import Path

import pytest

from cli.main import main
from hwsim.bench import PHASES, Spread, compare
from hwsim.subject import subject


def test_a_spread_holds_median_and_ends() -> None:
    """The median of an even number of values lies between the middle ones."""
    assert Spread.of([4.0, 1.0, 2.0, 10.0]) == Spread(median=3.0, least=1.0, most=10.0)


def test_both_engines_find_the_same_equilibria_by_turns() -> None:
    """With a clock that ticks a second a look, every turn takes a second; every equilibrium is found, and in balance."""
    ticks = itertools.count()
    rounds: list[int] = []
    found = compare(subject("xor"), samples=5, rounds=3, full=False, observe=rounds.append, clock=lambda: float(next(ticks)))
    assert next(ticks) == 2 * 2 * 3  # looks: before and after, two engines, three rounds
    assert rounds == [0, 1, 2, 3]
    assert found.equilibria == PHASES * 5
    assert found.ratio == Spread(median=1.0, least=1.0, most=1.0)
    for timing in found.timings:
        assert timing.milliseconds.median == pytest.approx(1e3 / 15)
        assert timing.converged == 1.0
        assert timing.imbalance is not None
        assert timing.imbalance < 1e-9
        assert timing.steps >= 1


@pytest.mark.parametrize("options", [[], ["--full"]])
def test_the_command_writes_what_it_prints(options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file holds the same comparisons as the JSON on stdout, and the netlist that ngspice was given."""
    path = tmp_path / "results" / "engines.json"
    assert main(["bench", "xor", "--samples", "3", "--rounds", "2", "--out", str(path), "--json", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert json.loads(path.read_text())["comparisons"] == told["comparisons"]
    assert told["comparisons"][0]["netlist"] == ("full" if options else "norton")
    assert told["ratios"]["xor"] > 0


def test_missing_data_are_an_error_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A circuit that was named is not left out in silence."""
    monkeypatch.setenv("HWSIM_DATA", str(tmp_path / "nowhere"))
    assert main(["bench", "mnist-kendall2020", "--out", str(tmp_path / "engines.json")]) == 2
    assert "is not a folder" in capsys.readouterr().err
    assert not (tmp_path / "engines.json").exists()
