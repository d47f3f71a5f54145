"""Commands on an experiment with a reservoir: it is described, simulated, written and checked as the circuit that it is."""

import pytest

TABLE = """
name = "ring"
[reservoir]
nodes = 6
family = "cycle"
washout = 10
[[blocks]]
kind = "digital"
layers = [{ kind = "dense", size = 1 }]
optimizer = { kind = "ridge" }
[data]
name = "henon"
task = "regression"
error = "nrmse"
length = 60
[training]
epochs = 1
precision = "float64"
"""


@pytest.fixture
def ring(tmp_path):
    path = tmp_path / "ring.toml"
    path.write_text(TABLE, encoding="utf-8")
    return str(path)


def test_it_is_described_and_checked(hwsim, ring):
    """With its echo state property, and by both engines."""
    described = hwsim("inspect", ring, "--json").json
    assert described["reservoir"]["clocked"]
    assert described["chain"][0]["about"] == "digital: dense"
    assert not [text for text in described["warnings"] if "gradient" in text], "nobody trains a reservoir"
    findings = hwsim("check", ring, "--samples", "2", "--json").json["findings"]
    assert findings["clocked_dv_ngspice"]["holds"]


def test_it_is_simulated_and_written(hwsim, ring, tmp_path):
    """Row by row of its data, in its own time."""
    run = hwsim("run", ring, "--sample", "0:3", "--json").json
    assert run["method"] == "clocked"
    assert run["times_s"] == pytest.approx([1e-6, 2e-6, 3e-6])
    deck = tmp_path / "ring.cir"
    assert hwsim("compile", ring, "--measure", "transient", "--intervals", "3", "-o", str(deck)).code == 0
    assert "--measure transient writes that of its reservoir" in hwsim("compile", ring, "-o", str(tmp_path / "none.cir")).err
    assert "samples 0 to 2 of the test set of henon" in deck.read_text(encoding="utf-8").lower()


def test_a_run_prints_nrmse_and_its_baseline(hwsim, ring, tmp_path):
    """And is evaluated on chips, each of which has its own states."""
    trained = hwsim("train", ring, "-o", str(tmp_path / "run"))
    assert "test NRMSE" in trained.out
    assert "inputs alone" in trained.out
    chips = hwsim("evaluate", str(tmp_path / "run"), "--chips", "2", "--set", "reservoir.mismatch=0.1", "--json").json["chips"]
    assert chips[0]["test_error"] != chips[1]["test_error"]
