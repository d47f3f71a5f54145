"""Examples of published memristors through the commands: four of them are inspected, trained through ngspice alone, written and solved."""

from pathlib import Path

import numpy as np
import pytest

from support.decks import operating_point

MODELS = ["biolek", "pershin", "yakopcic", "vteam", "stanford-pku"]
ONE = ("--set", "solver.ngspice_workers=1")


@pytest.fixture
def two(tmp_path):
    """Write data of two classes: which of two numbers is larger."""
    x = np.random.default_rng(0).uniform(-1, 1, (24, 2))
    x = x[abs(x[:, 0] - x[:, 1]) > 0.3]
    lines = [f"{a:.2f},{b:.2f},{int(a > b)}" for a, b in x]
    (tmp_path / "two.csv").write_text("\n".join(["a,b,class", *lines, ""]), encoding="utf-8")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.usefixtures("two")
def test_four_memristors_learn_which_number_is_larger(name, hwsim, tmp_path):
    """Its crossbar is seen; training gets all samples right, and the deck that it writes states the same in plain ngspice."""
    assert "crossbar" in hwsim("inspect", f"examples/memristor-{name}").out
    trained = hwsim("train", f"examples/memristor-{name}", "--data", "two.csv", "--out", "run", "--epochs", "5", *ONE, "--json")
    assert trained.json["train_error"] == 0.0, trained.err
    wanted = operating_point(Path("run/circuit.cir").read_text(encoding="utf-8"), tmp_path).v
    output = hwsim("solve", "run/circuit.cir", *ONE, "--json").json["outputs"][0][0]
    assert output == pytest.approx(wanted["p"] - wanted["n"], rel=1e-6)
    assert output > 0.01
