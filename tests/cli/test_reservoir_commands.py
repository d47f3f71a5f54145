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


def test_a_loop_runs_free(hwsim, ring, tmp_path):
    """What learnt in a loop, and what learnt without one: as numbers, as a table, and as a deck that needs no data."""
    run, table = str(tmp_path / "run"), tmp_path / "free.csv"
    force = ("--set", "blocks[0].optimizer={kind='force', forgetting=0.98}")
    assert hwsim("train", ring, "-o", run, *force).code == 0
    tested = hwsim("evaluate", run, "--free", "5", "--json").json
    assert tested["free_rows"] == 5
    assert 0 <= tested["free_followed"] <= 5
    made = hwsim("run", run, "--free", "15", "-o", str(table), "--json").json
    assert [line.count(",") for line in table.read_text(encoding="utf-8").splitlines()] == [3] * 16
    assert made["free_nrmse"] > 0
    assert "free run of 15 rows: NRMSE" in hwsim("run", run, "--free", "15").unwrapped
    deck = hwsim("compile", run, "-o", "-").out
    assert "It prints a table of the outputs while it runs free for 100 clocks" in deck
    assert "pwl" not in deck
    asked = tmp_path / "loop.cir"
    assert hwsim("compile", ring, "--measure", "loop", "--intervals", "3", "-o", str(asked)).code == 0
    assert "for 3 clocks" in asked.read_text(encoding="utf-8")


def test_what_runs_in_no_loop_is_refused(hwsim, ring, tmp_path):
    """Naming what to change."""
    assert "omit --points" in hwsim("run", ring, "--free", "3", "--points", "2").err
    assert "set data.horizon to 1" in hwsim("run", ring, "--free", "3", "--set", "data.horizon=2").err
    assert "free runs are written as .csv" in hwsim("run", ring, "--free", "3", "-o", str(tmp_path / "free.npz")).err
    assert "has no reservoir" in hwsim("evaluate", "iris", "--free", "3").err
    assert "omit it" in hwsim("compile", ring, "--measure", "loop", "--flat", "-o", "-").err
