"""`hwsim run`: both engines, files, pictures, settling times, decks that do the same, and one line for all that cannot be."""

import csv
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

SHORT = ["--period", "2e-8", "--sample", "0:2"]


def test_both_engines_simulate_the_same(hwsim):
    """The outputs at the ends of periods agree within 10 µV and the error that ngspice reports."""
    ours, theirs = (hwsim("run", "iris", *SHORT, "--engine", engine, "--json").json for engine in ("numeric", "ngspice"))
    assert (ours["method"], theirs["method"]) == ("Tsit5", "ngspice")
    np.testing.assert_allclose(ours["outputs"], theirs["outputs"], atol=1e-5 + theirs["error_V"])
    np.testing.assert_allclose(ours["times_s"], [2e-8, 4e-8])
    assert "Tsit5" in hwsim("run", "iris", *SHORT).out


def test_noise_of_the_experiment_counts(hwsim):
    """The same on the same chip, and another one on another; of the size of √(k·T/C)."""
    noisy = ["--set", "noise.thermal=true", "--set", "noise.shot=true", "--json"]
    quiet = hwsim("run", "iris", *SHORT, "--json").json["outputs"]
    one, again, other = (hwsim("run", "iris", *SHORT, *noisy, "--set", f"variation.chip={k}").json["outputs"] for k in (0, 0, 1))
    assert one == again != other
    assert 1e-5 < np.abs(np.subtract(one, quiet)).max() < 1e-3


def test_without_a_period_it_settles(hwsim):
    """Then the outputs are those of the equilibria."""
    came, solved = (hwsim(command, "iris", "--sample", "0:2", "--json").json for command in ("run", "solve"))
    np.testing.assert_allclose(came["outputs"], solved["outputs"], atol=1e-7)


def test_all_voltages_go_to_files(hwsim):
    """A column for each node and output, in a table and in arrays alike, and a picture."""
    done = hwsim("run", "iris", *SHORT, "--points", "3", "-o", "v.csv", "--plot", "v.png", "--json").json
    rows = list(csv.DictReader(Path("v.csv").read_text().splitlines()))
    assert [row["sample"] for row in rows] == ["0"] * 3 + ["1"] * 3
    assert [float(row["output_0"]) for row in rows[2::3]] == [outputs[0] for outputs in done["outputs"]]
    assert float(rows[0]["output_1"]) == pytest.approx(float(rows[0]["out_2"]) - float(rows[0]["out_3"]), abs=1e-12)
    assert Path("v.png").read_bytes().startswith(b"\x89PNG")
    hwsim("run", "iris", *SHORT, "--points", "3", "-o", "v.npz")
    with np.load("v.npz") as arrays:
        assert arrays["volts"].shape == (6, len(arrays["names"]))
        np.testing.assert_allclose(arrays["volts"][:, list(arrays["names"]).index("h1_0")], [float(row["h1_0"]) for row in rows], atol=1e-9)


def test_a_signal_takes_the_place_of_samples(hwsim):
    """A line a period, with a header or without."""
    Path("signal.csv").write_text("a,b,c,d\n0.1,-0.2,0.3,0.4\n0.5,0.5,-0.5,0.0\n")
    Path("bare.csv").write_text("0.1,-0.2,0.3,0.4\n0.5,0.5,-0.5,0.0\n")
    one, other = (hwsim("run", "iris", "--period", "2e-8", "--signal", name, "--json").json for name in ("signal.csv", "bare.csv"))
    assert one["outputs"] == other["outputs"]
    assert one["samples"] == [0, 1]


def test_a_deck_does_the_same_alone(hwsim):
    """Ngspice prints the outputs at the ends of periods, as hwsim run does."""
    hwsim("compile", "iris", "--measure", "transient", "--intervals", "2", "--period", "2e-8", "-o", "deck.cir")
    printed = subprocess.run(["ngspice", "-b", "deck.cir"], capture_output=True, text=True, check=True).stdout
    rows = [list(map(float, row.split("\t")[1:4])) for row in re.findall(r"^\d+\t.*$", printed, re.MULTILINE)]
    came = hwsim("run", "iris", *SHORT, "--json").json
    np.testing.assert_allclose(rows[1:], came["outputs"], atol=2e-5)


def test_a_deck_of_a_user_s_own_does_the_same_alone(hwsim):
    """Its sources carry the samples, turned ones too, and its capacitors begin as the simulation's do, whatever `.ic` and `ic=` state."""
    Path("own.cir").write_text(
        "* own\nVx x 0 1\nVy 0 y -1\nVs s 0 0.5\nR1 x a 10k\nR2 y a 10k\nC1 a 0 1p ic=0.3\nC2 s a 2p\nRw a b 10k\nRz b 0 10k\nC3 b 0 1p\n"
        ".ic v(b)=0.9\n.end\n"
    )
    Path("data.csv").write_text("p,q,y\n" + "1,0,0.1\n0.2,-0.7,0.2\n-1,1,0.3\n0.5,0.5,0.1\n0.1,0.2,0.3\n0.4,0.3,0.2\n")
    given = ["--inputs", "Vx,Vy", "--outputs", "b", "--trainable", "Rw", "--data", "data.csv", "--set", "data.task=regression"]
    given += ["--part", "train", "--period", "5e-9"]
    came = hwsim("run", "own.cir", *given, "--sample", "0:3", "--engine", "ngspice", "--json").json["outputs"]
    hwsim("compile", "own.cir", *given, "--measure", "transient", "--intervals", "3", "-o", "deck.cir")
    printed = subprocess.run(["ngspice", "-b", "deck.cir"], capture_output=True, text=True, check=True).stdout
    rows = [float(row.split("\t")[1]) for row in re.findall(r"^\d+\t.*$", printed, re.MULTILINE)]
    np.testing.assert_allclose(rows, [0.0, *(one for (one,) in came)], atol=2e-6)


def test_settling_is_printed_for_each_phase(hwsim):
    """Free and nudged, in seconds and joules, proportional to the capacitance."""
    one, ten = (hwsim("run", "iris", "--settle", "--capacitance", c, "--json").json["settling"] for c in ("1e-12", "1e-11"))
    assert [phase["phase"] for phase in one] == ["free", "nudged_1", "nudged_2"]
    for a, b in zip(one, ten, strict=True):
        assert b["t_1pc_s"] == pytest.approx(10 * a["t_1pc_s"], rel=1e-4)
        assert b["energy_01pc_J"] == pytest.approx(10 * a["energy_01pc_J"], rel=1e-4)


def test_capacitors_of_the_experiment_count(hwsim):
    """And their spread makes chips differ in time, not at equilibrium."""
    capacitors = ["--set", "circuit.capacitance=[1e-12,4e-12]", "--set", "variation.capacitance=0.3"]
    a, b = (hwsim("run", "iris", *SHORT, *capacitors, "--chip", chip, "--json").json["outputs"] for chip in ("1", "2"))
    assert np.abs(np.subtract(a, b)).max() > 1e-4
    a, b = (hwsim("solve", "iris", *capacitors, "--chip", chip, "--json").json["outputs"] for chip in ("1", "2"))
    assert a == b


def test_a_user_s_netlist_runs_by_both_engines(hwsim):
    """With its own capacitors and without anything to train; a source that is turned has its inputs turned too."""
    Path("own.cir").write_text("* own\n.param r=1e4\nVx x 0 1\nVy 0 y -1\nR1 x a {r}\nR2 y a 1e4\nC1 a 0 1p\n.end\n")
    Path("signal.csv").write_text("1,0\n0.2,-0.7\n-1,1\n")
    given = ["run", "own.cir", "--inputs", "Vx,Vy", "--outputs", "a", "--signal", "signal.csv", "--period", "5e-9", "--json"]
    came = hwsim(*given).json["outputs"]
    assert came[0][0] == pytest.approx(0.5 * (1 - np.exp(-1.0)), rel=0.01)
    np.testing.assert_allclose(hwsim(*given, "--engine", "ngspice").json["outputs"], came, atol=2e-5)


def test_parts_that_ngspice_alone_has_run_in_time(hwsim):
    """A transistor with capacitors from node to node; nodes without one get one."""
    Path("mos.cir").write_text(
        "* mos\n.model n nmos(level=1 vto=0.4 kp=20u)\nVx x 0 1\nVdd d 0 1\nR1 x a 10k\nR2 d b 50k\nM1 b a 0 0 n w=2u l=1u\n"
        "R3 b e 1k\nC1 a b 10p\n.end\n"
    )
    Path("signal.csv").write_text("0\n1\n")
    given = ["run", "mos.cir", "--inputs", "Vx", "--outputs", "b", "--signal", "signal.csv"]
    came = hwsim(*given, "--period", "1e-5", "--engine", "ngspice", "-o", "v.csv", "--json").json["outputs"]
    assert came[0][0] == pytest.approx(1.0, abs=0.01), "below its threshold it does not conduct"
    assert came[1][0] == pytest.approx(1 - 5e4 * 20e-6 * 2 * 0.5 * 0.6**2, abs=1e-3), "saturated, from 0.6 V on"
    assert Path("v.csv").read_text().splitlines()[0].startswith("sample,time_s,")
    assert "does not know the laws of m1" in hwsim(*given, "--period", "1e-5").err
    assert "choose one (--period)" in hwsim(*given, "--engine", "ngspice").err


def test_a_source_that_changes_by_itself_takes_ngspice_and_no_card_begins_elsewhere(hwsim):
    """The numeric engine names it, and `.ic` and `ic=` of the deck do not move the beginning from 0 V."""
    cards = "* own\nVx x 0 1\nVs s 0 {}\nR1 x a 20k\nR2 s a 20k\nC1 a 0 1p{}\n{}.end\n"
    Path("own.cir").write_text(cards.format("sin(0 1 10meg)", "", ""))
    Path("still.cir").write_text(cards.format("0", "", ""))
    Path("begun.cir").write_text(cards.format("0", " ic=0.7", ".ic v(a)=0.9\n"))
    Path("signal.csv").write_text("0.5\n0.2\n")
    given = ["--inputs", "Vx", "--outputs", "a", "--signal", "signal.csv", "--period", "5e-9"]
    answer = hwsim("run", "own.cir", *given)
    assert answer.code != 0
    assert "vs changes in time by itself" in answer.err
    assert hwsim("run", "own.cir", *given, "--engine", "ngspice").code == 0
    still, begun = (hwsim("run", name, *given, "--engine", "ngspice", "--json").json for name in ("still.cir", "begun.cir"))
    assert begun["outputs"] == still["outputs"]


def test_a_capacitor_between_nodes_takes_ngspice_and_a_period(hwsim):
    """Each engine's refusal leads on to the other's."""
    Path("own.cir").write_text("* own\nVx x 0 1\nR1 x a 10k\nR2 a b 10k\nR3 b 0 10k\nC1 a b 1p\n.end\n")
    Path("signal.csv").write_text("1\n")
    given = ["run", "own.cir", "--inputs", "Vx", "--outputs", "b", "--signal", "signal.csv"]
    assert "use --engine ngspice" in hwsim(*given).err
    assert "choose one (--period)" in hwsim(*given, "--engine", "ngspice").err
    ((b,),) = hwsim(*given, "--engine", "ngspice", "--period", "1e-6", "--json").json["outputs"]
    assert b == pytest.approx(1 / 3, abs=1e-4)


def test_a_capacitor_to_a_supply_begins_charged_to_it(hwsim):
    """Nodes begin at 0 V, whatever the supply at the other end, turned or on top of another: without an input nothing moves."""
    Path("own.cir").write_text(
        "* own\nVx x 0 1\nVs s 0 1\nVt 0 t 2\nVu u t 0.5\nR1 x a 20k\nR2 a 0 20k\nC1 s a 1p\nC2 x a 1p\nC3 a t 1p\nC4 u a 1p\n.end\n"
    )
    Path("signal.csv").write_text("0\n0\n")
    given = ["run", "own.cir", "--inputs", "Vx", "--outputs", "a", "--signal", "signal.csv", "--period", "5e-9"]
    np.testing.assert_allclose(hwsim(*given, "--engine", "ngspice", "--json").json["outputs"], 0.0, atol=1e-9)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("run iris --settle --period 1", 2, "omit --period"),
        ("run iris --settle --engine ngspice", 2, "hwsim compile iris --measure settle writes a deck"),
        ("run iris --signal short.csv --sample 1", 2, "omit --sample"),
        ("run iris --free 5 --part train", 2, "omit --part"),
        ("compile iris --measure pulses --sample 1 -o deck.cir", 2, "omit it"),
        ("run iris --signal nothing.csv", 2, "nothing.csv"),
        ("run iris --signal short.csv", 2, "line 2 has 3 cells; the circuit has 4 inputs"),
        ("run iris --signal words.csv", 2, "line 2: x is no finite number"),
        ("run iris --signal empty.csv", 2, "it holds no line of numbers"),
        ("run iris -o v.txt", 2, "written as .csv or .npz"),
        ("run iris --period 1", 1, "are too few for 1e-06 V"),
        ("run iris --sample 30", 2, "30 samples"),
        ("run iris --set circuit.capacitance=-1", 2, "capacitance = -1 F must be a finite number"),
        ("run iris --set circuit.capacitance=[1e-12]", 2, "one a layer, and the outputs'"),
        ("run iris --engine ngspice --period 2e-8 --set noise.thermal=true", 2, "ngspice integrates without the circuit's noise"),
        ("compile iris --measure power --period 1 -o deck.cir", 2, "--period is for --measure transient"),
        ("compile iris --measure transient --intervals 99 -o deck.cir", 2, "30 samples"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(hwsim, words, code, message):
    """And nothing is written."""
    for name, text in (("short.csv", "1,2,3,4\n1,2,3\n"), ("words.csv", "1,2,3,4\n1,x,3,4\n"), ("empty.csv", "a,b,c,d\n")):
        Path(name).write_text(text)
    answer = hwsim(*words.split())
    assert (answer.code, answer.out) == (code, "")
    assert message in answer.err.splitlines()[-1]
    assert not Path("deck.cir").exists()


RING = """\
name = "ring"
[circuit]
inputs = 4
outputs = 3
capacitance = 1e-11
[[circuit.layers]]
size = 3
recurrence = { pattern = "cycle", gain = 1.9 }
[data]
name = "iris"
"""


def test_recurrent_circuits_are_inspected_and_checked(hwsim):
    """Both state that the ring forgets, at a rate below that at which it settles; its trajectories agree with all others."""
    Path("ring.toml").write_text(RING)
    rates = hwsim("inspect", "ring.toml", "--json").json["in_time"]
    assert 0 < rates["forgetting_rate"] <= rates["settling_rate"]
    assert "echo state property" in hwsim("inspect", "ring.toml").unwrapped
    findings = hwsim("check", "ring.toml", "--samples", "2", "--set", "training.rule.kind=adjoint", "--json").json["findings"]
    assert findings["gradient_own_rel"]["value"] < 1e-7, "buffers pass nothing back, and the adjoint rule is exact for them"
    for name in ("time_dv_ngspice", "time_dv_radau", "lyapunov_exponent"):
        assert findings[name]["holds"], findings[name]
    assert -findings["lyapunov_exponent"]["value"] >= 0.99 * findings["forgetting_rate"]["value"]


def test_clocked_circuits_run_and_are_inspected_and_checked(hwsim):
    """Both engines agree to a microvolt, and so does a deck by itself; what has no meaning for a clock is refused."""
    clocked = RING.replace("capacitance = 1e-11\n", "").replace("gain = 1.9", "gain = 1.9, hold = { c_sample = 3e-13, c_hold = 7e-13 }")
    Path("clocked.toml").write_text(clocked)
    assert 0 < hwsim("inspect", "clocked.toml", "--json").json["clocked"]["contraction"] < 1
    assert "echo state property" in hwsim("inspect", "clocked.toml").unwrapped
    findings = hwsim("check", "clocked.toml", "--samples", "2", "--set", "training.rule.kind=adjoint", "--json").json["findings"]
    assert findings["gradient_own_rel"]["value"] < 1e-7
    for name in ("clocked_dv_ngspice", "clock_exponent", "clock_contraction"):
        assert findings[name]["holds"], findings[name]
    came = hwsim("run", "clocked.toml", "--sample", "0:2", "--json").json
    assert came["method"] == "clocked"
    hwsim("compile", "clocked.toml", "--measure", "transient", "--intervals", "2", "-o", "deck.cir")
    printed = subprocess.run(["ngspice", "-b", "deck.cir"], capture_output=True, text=True, check=True).stdout
    rows = [list(map(float, row.split("\t")[1:4])) for row in re.findall(r"^\d+\t.*$", printed, re.MULTILINE)]
    np.testing.assert_allclose(rows[1:], came["outputs"], atol=1e-6)
    for words, message in ((["--points", "2"], "omit --points"), (["--settle"], "is clocked")):
        refused = hwsim("run", "clocked.toml", *words)
        assert (refused.code, refused.err.count(message)) == (2, 1)
