"""A user's netlist through the commands: trained, written back, solved, checked, resumed, and refused with one clear line."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from support.reading import parse, read_deck

MESH = """A small mesh
* two inputs, two outputs
.include parts.lib
V1 a 0 0.5
V2 b 0 -0.3
VB c 0 1
R1 a n1 10k
R2 a n2 20k   ; a comment
R3 b n1 15k
R4 b n2 33k
R5 n1 n2 10k
+
R6 c n1 40K $ and another
RL n2 0 100k
D1 n1 n2 DD
*hwsim: trainable R# g_min=1e-6 g_max=1e-3
*hwsim: input V1 V2
*hwsim: output n1
*hwsim: output n2
*hwsim: set training.epochs=3 training.batch=2 data.scaling=none
.end
"""
TRANSISTORS = """With transistors
.model nm nmos(level=1 vto=0.5 kp=100u)
V1 a 0 0.5
V2 b 0 -0.3
VG g 0 1.5
M1 a g n1 0 nm w=10u l=1u
R1 b n1 10k
R2 n1 o 12k
R3 o 0 47k
*hwsim: trainable R#
*hwsim: input V1 V2
*hwsim: output o
.end
"""


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    """Put a deck and what it includes into the folder."""
    (tmp_path / "parts.lib").write_text("* parts\n.model dd D(is=1n n=1.5)\n")
    (tmp_path / "mesh.cir").write_text(MESH)
    (tmp_path / "mos.cir").write_text(TRANSISTORS)
    return tmp_path / "mesh.cir"


def test_a_netlist_is_trained_and_written_back(hwsim, mesh):
    """Only the values that learn change, with every comment and blank as it was; the run continues to the same numbers, bit for bit."""
    printed = hwsim("train", "mesh.cir", "--data", "xor", "--out", "whole", "--write", "mesh2.cir", "--json").json
    assert (printed["epochs"], printed["engine"], printed["written"]) == (3, "numeric", "mesh2.cir")
    before, after = MESH.splitlines(), Path("whole/circuit.cir").read_text().splitlines()
    changed = [k for k, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert [before[k][:2] for k in changed] == ["R1", "R2", "R3", "R4", "R5", "R6"]
    assert after[7].endswith("   ; a comment")
    assert after[12].endswith(" $ and another")
    assert mesh.read_text() == MESH
    assert Path("mesh2.cir").read_bytes() == Path("whole/circuit.cir").read_bytes()
    with np.load("whole/weights.npz") as weights:
        np.testing.assert_allclose(read_deck(Path("mesh2.cir")).g["r"], weights["r"], rtol=1e-15)

    hwsim("train", "mesh.cir", "--data", "xor", "--out", "parts", "--epochs", "2", "--set", "training.schedule=constant")
    hwsim("train", "mesh.cir", "--data", "xor", "--out", "once", "--epochs", "3", "--set", "training.schedule=constant")
    assert hwsim("train", "parts", "--resume", "--epochs", "3").code == 0
    assert Path("parts/circuit.cir").read_bytes() == Path("once/circuit.cir").read_bytes()
    assert hwsim("train", "mesh.cir", "--data", "xor", "--out", "once", "--resume", "--set", "training.schedule=constant").code == 0
    mesh.write_text(MESH.replace("40K", "41K"))
    answer = hwsim("train", "mesh.cir", "--data", "xor", "--out", "once", "--resume", "--set", "training.schedule=constant")
    assert answer.code == 2
    assert "begun with another circuit.netlist" in answer.err


@pytest.mark.usefixtures("mesh")
def test_a_netlist_is_solved_as_it_stands(hwsim):
    """Without data the sources show what they do in the file; both engines and ngspice on the text itself agree."""
    outputs = [np.array(hwsim("solve", "mesh.cir", "--engine", engine, "--json").json["outputs"]) for engine in ("numeric", "ngspice")]
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=0, atol=1e-9)
    control = ".control\nset numdgt=16\nop\nprint v(n1) v(n2)\n.endc\n.end\n"
    Path("op.cir").write_text(MESH.replace(".end\n", control))
    message = subprocess.run(["ngspice", "-b", "op.cir"], capture_output=True, text=True, check=False).stdout
    wanted = [float(line.split("=")[1]) for line in message.splitlines() if line.startswith("v(n")]
    np.testing.assert_allclose(outputs[0][0], wanted, rtol=0, atol=1e-7)


def test_a_netlist_is_checked_compiled_and_evaluated(hwsim, mesh):
    """As any circuit: the engines agree, the gradient is what finite differences find, and what compile writes is the same circuit."""
    checked = hwsim("check", "mesh.cir", "--data", "xor", "--json")
    assert (checked.code, checked.json["passed"]) == (0, True), checked.out
    assert hwsim("compile", "mesh.cir", "-o", "ours.cir").code == 0
    ours, theirs = parse(Path("ours.cir").read_text()), read_deck(mesh)
    np.testing.assert_array_equal(ours.g["r"], theirs.g["r"])
    assert hwsim("evaluate", "mesh.cir", "--data", "xor", "--json").json["samples"] == 4


@pytest.mark.usefixtures("mesh")
def test_roles_may_come_from_the_command_line(hwsim):
    """In the words of the comments; they stand in the place of the deck's own."""
    words = ["--trainable", "R1 R2 g_min=1e-5", "--trainable", "R6", "--inputs", "V2 scale=2", "--inputs", "V1", "--outputs", "n1 n2"]
    answer = hwsim("train", "mesh.cir", "--data", "xor", "--out", "run", *words)
    assert "3 resistors learn, 2 inputs, 1 output" in answer.err
    assert "features are as they are" in answer.err
    changed = [a[:2] for a, b in zip(MESH.splitlines(), Path("run/circuit.cir").read_text().splitlines(), strict=True) if a != b]
    assert changed == ["R1", "R2", "R6"]
    assert hwsim("evaluate", "run", "--json").json["trained"]


@pytest.mark.usefixtures("mesh")
def test_what_only_ngspice_knows_is_trained_by_it(hwsim):
    """The numeric engine names the parts whose laws it does not know, and the engine that does; ngspice then trains and checks it."""
    refused = hwsim("train", "mos.cir", "--data", "xor", "--out", "run")
    assert refused.code == 2
    assert "the numeric engine does not know the laws of m1 (MOSFETs); use --engine ngspice" in refused.err
    assert not Path("run").exists()
    printed = hwsim("train", "mos.cir", "--data", "xor", "--engine", "ngspice", "--epochs", "1", "--out", "run", "--json").json
    assert printed["engine"] == "ngspice"
    assert "ngspice alone solves M elements, so it is compared with itself" in hwsim("check", "mos.cir").err


@pytest.mark.usefixtures("mesh")
@pytest.mark.parametrize("rule", ["equilibrium-propagation", "adjoint", "coupled-learning"])
def test_every_rule_trains_a_netlist_and_is_profiled(rule, hwsim):
    """The profile covers the whole time, and knows of no ngspice."""
    words = ["--set", f"training.rule={rule}", "--set", "training.rate=1e-6", "--profile", "--epochs", "1", "--out", "run"]
    printed = hwsim("train", "mesh.cir", "--data", "xor", *words, "--json").json
    lines = printed["profile"]["lines"]
    assert sum(line["seconds"] for line in lines) == pytest.approx(printed["profile"]["seconds"])
    assert "free and nudged phases" in [line["name"] for line in lines]
    assert not any("ngspice" in line["name"] for line in lines)


def test_a_source_changed_by_hand_in_a_deck_of_ours_is_reported(hwsim):
    """Every command names it: a warning where other data drive the sources, else a refusal, for ngspice would solve another circuit."""
    assert hwsim("compile", "xor", "-o", "xor.cir").code == 0
    text = Path("xor.cir").read_text()
    Path("moved.cir").write_text(text.replace(".param feature_0=-1.0", ".param feature_0=0.37"))
    for engine in ("numeric", "ngspice"):
        rows = hwsim("solve", "moved.cir", "--engine", engine, "--json").json["voltages"]
        assert [rows[node][0] for node in ("x_0", "x_1", "xn_0", "xn_1")] == [[0.37], [-1.0], [-0.37], [1.0]]
    Path("torn.cir").write_text(text.replace("{feature_0}", "0.37"))
    message = "v_v_x_0 gives 0.37 V, but feature 0 is -1 by v_v_xn_0"
    for words in (("solve",), ("check",), ("compile", "-o", "out.cir")):
        answer = hwsim(words[0], "torn.cir", *words[1:])
        assert (answer.code, answer.err.count(message)) == (2, 1)
    assert message in hwsim("inspect", "torn.cir", "--json").json["warnings"][0]
    answer = hwsim("train", "torn.cir", "--data", "xor", "--epochs", "1")
    assert (answer.code, answer.err.count(message)) == (0, 1)


WORDS = {
    "no data": ("train mesh.cir", "--data my.csv"),
    "no file": ("train nothing.cir --data xor", "nothing.cir: no such file"),
    "features": ("train mesh.cir --data iris", "has sources for 2 features, but data iris have 4"),
    "features by the file": ("solve mesh.cir --data wide.csv", "has sources for 2 features, but data wide.csv have 3"),
    "classes": ("train mesh.cir --data xor --outputs n1 --outputs n2 --outputs a", "has 3 outputs, but data xor have 2 classes"),
    "nothing of this name": ("train mesh.cir --data xor --inputs V9", "--inputs: input v9: no element is called v9"),
    "no node of this name": ("solve mesh.cir --outputs q", "--outputs: output q: there is no node q"),
    "roles of a network": ("solve iris --inputs V1", "--inputs: describes a netlist, and iris is none"),
    "a dialect of a network": ("solve iris --dialect ltspice", "--dialect: describes a netlist, and iris is none"),
    "two dialects": ("solve mesh.cir --dialect ltspice --set circuit.dialect=kicad", "--dialect sets circuit.dialect to 'ltspice'"),
    "a mistake in the deck": ("solve wrong.cir", "wrong.cir:3: "),
    "a deck's own settings": (
        "solve setting.cir",
        "setting.cir:20: set: --set training.epoch: there is no such key; did you mean training.epochs",
    ),
    "writing a network": ("train iris --write x.cir", "--write is for netlists"),
    "writing elsewhere": ("train mesh.cir --data xor --write nowhere/x.cir", "nowhere/x.cir: there is no folder nowhere"),
    "writing away from what is included": ("train mesh.cir --data xor --write away/x.cir", "the deck includes parts.lib"),
    "32 bits": ("train mesh.cir --data xor --set training.precision=float32", "set training.precision to float64"),
    "no netlist to begin with": ("train iris --set training.init=netlist", "use 'uniform' or 'log-uniform'"),
}


@pytest.mark.usefixtures("mesh")
@pytest.mark.parametrize("name", WORDS)
def test_bad_input(name, hwsim):
    """One line that states what would be right, exit code 2, and nothing written."""
    Path("wide.csv").write_text("1,2,3,a\n4,5,6,b\n7,8,9,a\n1,1,1,b\n")
    Path("wrong.cir").write_text(MESH.replace(".include", "R0 a b {nope}\n.include"))
    Path("setting.cir").write_text(MESH.replace("training.epochs=3", "training.epoch=3"))
    Path("away").mkdir()
    line, hint = WORDS[name]
    before = sorted(Path().rglob("*"))
    answer = hwsim(*line.split())
    assert (answer.code, answer.out) == (2, "")
    assert hint in answer.err
    assert "Traceback" not in answer.err
    assert sorted(Path().rglob("*")) == before


def test_a_netlist_s_conductances_are_not_called_untrained(hwsim, trained: Path) -> None:
    """A deck may be a trained one: its error is no error before training, and what it has learnt is unknown. Drawn ones are untrained."""
    deck = ("evaluate", trained / "circuit.cir", "--data", "iris")
    answer = hwsim(*deck)
    assert answer.code == 0
    assert "before any training" not in answer.out
    assert "with the netlist's conductances" in answer.out
    assert "may be among those that it was trained on" in answer.err
    drawn = hwsim(*deck, "--set", "training.init=uniform")
    assert "before any training" in drawn.out
    assert "nobody knows" not in drawn.err
