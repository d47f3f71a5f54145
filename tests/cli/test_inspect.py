"""`hwsim inspect`: what it finds, what it warns of, and what it draws."""

from pathlib import Path

import numpy as np
import pytest

from circuits.arrays import Memristors
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.elements import Diodes, InputSources, Nudges, Resistors
from circuits.nodes import GROUND
from hwsim.inspection.crossbars import crossbars
from hwsim.inspection.inspection import inspect
from hwsim.inspection.neurons import neurons
from hwsim.inspection.reachability import Reach
from support.reading import parse

HEAD = "Small\n.model dd D(is=1n n=1.5)\n"
ROLES = "*hwsim: trainable R# g_min=1e-7 g_max=1e-2\n*hwsim: input V1\n*hwsim: output n1\n.end\n"
PNG = b"\x89PNG"
EXAMPLES = Path(__file__).parents[2] / "netlists" / "examples"


def test_a_layered_circuit_is_described_by_its_blocks(hwsim):
    """Crossbars, neurons with their rails, amplifiers; in JSON and in words."""
    report = hwsim("inspect", "iris", "--json").json
    assert report["layers"] == [4, 8, 3]
    assert report["solver"] == "layers"
    first, second, neuron, amplifier = report["blocks"]
    assert (first["rows"], first["columns"], second["rows"], second["columns"]) == (9, 8, 9, 6)
    assert (neuron["kind"], neuron["count"], neuron["rails"]) == ("diode pair", 8, [-0.05, 0.0])
    assert (amplifier["count"], amplifier["gain"]) == (8, [4.0, 4.0])
    assert report["counts"]["Crossbar"] == 9 * 8 + 9 * 6
    assert report["warnings"] == []
    assert "layers 4-8-3, solved by sweeps over its layers" in hwsim("inspect", "iris").out


def test_a_chain_is_described_block_by_block(hwsim):
    """Circuits as circuits are, with how they settle where they have capacitors; digital blocks by their layers and parameters."""
    chain = ("ff-digits", "--set", "blocks[0].circuit.capacitance=1e-12")
    first, digital, last = hwsim("inspect", *chain, "--json").json["chain"]
    assert (first["layers"], last["layers"]) == ([64, 30, 12], [12, 30, 10])
    assert first["in_time"]["settling_rate"] > 0
    assert "in_time" not in last
    assert digital["about"] == "digital: batch-norm"
    assert {array["name"]: array["shape"] for array in digital["parameters"]} == {
        f"b2_0.{name}": [12] for name in ("weight", "bias", "mean", "variance")
    }
    text = hwsim("inspect", *chain).out
    assert text.index("b1_w1") < text.index("blocks[1], digital: batch-norm") < text.index("b2_0.mean") < text.index("b3_w1")


WARNINGS = {
    "an output that no input moves": (
        "V1 a 0 1\nV2 b 0 1\nR1 b n1 1k\nR2 n1 0 1k\nR3 a n2 1k\nD1 n2 n3 dd\nR4 n3 0 1k\n",
        "independent of all inputs; connect it",
    ),
    "nodes without an effect": ("V1 a 0 1\nR1 a n1 1k\nD1 n1 0 dd\nR2 a n2 1k\nD2 n2 0 dd\n", "1 node with no effect on any output: n2"),
    "a loose end": (
        "V1 a 0 1\nR1 a n1 1k\nD1 n1 0 dd\nR2 n1 n2 1k\n",
        "1 node at which only one part ends, so that it carries no current: n2",
    ),
    "a node that floats": (
        "V1 a 0 1\nR1 a n1 1k\nD1 n1 0 dd\nC1 n1 q 1p\n",
        "floating: q has no conducting path to ground; connect it or remove it; until then the circuit has no solution",
    ),
    "nodes that float together": (
        "V1 a 0 1\nR1 a n1 1k\nD1 n1 0 dd\nR2 z1 z2 1k\n",
        "floating: z1, z2 have no conducting path to ground; connect one of them or remove them",
    ),
    "a resistor at every node": (
        "V1 a 0 1\nR1 a n1 1k\nD1 n1 0 dd\n.options rshunt=1e9\n",
        ".options rshunt puts a resistor from every node to ground, and layers may have such resistors at their columns alone",
    ),
    "outputs that only rise": (
        "V1 a 0 1\nV2 b 0 1\n*hwsim: input V2\nR1 a n1 1k\nR2 b n1 1k\nD1 n1 0 dd\n",
        "no feature comes with its negative, so outputs that are read at one node only rise with each source",
    ),
    "an odd circuit": (
        "V1 a 0 1\nR1 a n1 1k\nD1 n1 0 dd\nD2 0 n1 dd\nR2 n1 0 1k\n",
        "an odd function of its inputs, which cannot learn XOR",
    ),
    "a linear circuit": ("V1 a 0 1\nR1 a n1 1k\nR2 n1 0 1k\n", "all parts are linear"),
    "conductances at their bounds": ("V1 a 0 1\nR1 a n1 1k\nR2 n1 0 10meg\nD1 n1 0 dd\n", "1 of 2 conductances are at g_min"),
    "a source that acts one way": ("V1 a 0 1\nR1 a n1 1k\nE1 n2 0 n1 0 2\nR2 n2 n1 9k\nD1 n1 0 dd\n", "vcvs is not reciprocal"),
    "too many pins": (
        ".subckt wide " + " ".join(f"p{k}" for k in range(1005)) + "\nrx p0 p1 1k\n.ends\nV1 a 0 1\nR1 a n1 1k\nD1 n1 0 dd\nR2 n1 0 1k\n",
        "subcircuit wide has 1005 pins; ngspice crashes above 1004",
    ),
    "a value that is often meant otherwise": ("V1 a 0 1\nR1 a n1 1k\nD1 n1 0 dd\nRx n1 0 1M\n", "1m"),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_what_will_not_learn_is_warned_of(name, hwsim, tmp_path: Path):
    """Each in a circuit that is wrong in that way."""
    body, message = WARNINGS[name]
    (tmp_path / "my.cir").write_text(HEAD + body + ROLES)
    answer = hwsim("inspect", "my.cir", "--json")
    assert answer.code == 0, answer.err
    assert message in "\n".join(answer.json["warnings"])


def test_a_circuit_that_floats_is_looked_at_and_not_solved(hwsim, tmp_path: Path):
    """All that can be stated of it is stated, and drawn; what would solve it refuses it at the lines where it floats."""
    (tmp_path / "my.cir").write_text(HEAD + "V1 a 0 1\nR1 a n1 1k\nD1 n1 0 dd\nC1 n1 q 1p\nR2 z1 z2 1k\n" + ROLES)
    report = hwsim("inspect", "my.cir", "--plot", "my.png", "--json").json
    assert (report["solver"], report["counts"]["nodes"]) == (None, 5)
    assert [block["kind"] for block in report["blocks"]] == ["trainable resistors", "clamp from above"]
    assert "without solution while nodes float" in hwsim("inspect", "my.cir").out
    for command in ("solve", "train", "check", "compile"):
        refused = hwsim(command, "my.cir", *(("-o", "out.cir") if command == "compile" else ()))
        assert (refused.code, refused.out) == (2, "")
        assert "my.cir:6: q has no conducting path to ground; connect it or remove it" in refused.err
        assert "my.cir:7: z1, z2 have no conducting path" in refused.err


def test_a_circuit_with_a_bias_is_not_odd(hwsim, tmp_path: Path):
    """Nothing is warned of where nothing is wrong."""
    (tmp_path / "my.cir").write_text(HEAD + "V1 a 0 1\nV2 b 0 1\nR1 a n1 1k\nD1 n1 0 dd\nD2 0 n1 dd\nR2 n1 b 1k\n" + ROLES)
    assert hwsim("inspect", "my.cir", "--json").json["warnings"] == []
    assert hwsim("inspect", "my.cir").out.endswith("no warnings\n")


def test_pictures_are_drawn(hwsim, tmp_path: Path):
    """The schematic of layers and of what is small, the graph of what has none; twice the same bytes."""
    (tmp_path / "my.cir").write_text(HEAD + "V1 a 0 1\nR1 a n1 1k\nD1 n1 0 dd\nD2 0 n2 dd\nR2 n1 n2 1k\nR3 n2 a 1k\n" + ROLES)
    for what, message in (
        ("my.cir", "the schematic, conductances"),
        (str(EXAMPLES / "iris-mesh.cir"), "there are 39 nodes, and a schematic of more"),
    ):
        drawn = hwsim("inspect", what, "--plot", "one.png")
        assert drawn.code == 0
        assert message in drawn.err
        assert Path("one.png").read_bytes().startswith(PNG)
    assert hwsim("inspect", "iris", "--plot", "one.png").code == hwsim("inspect", "iris", "--plot", "two.png").code == 0
    assert Path("one.png").read_bytes() == Path("two.png").read_bytes()
    named = hwsim("inspect", "xor", "--plot", "xor.pdf")
    assert (named.code, named.out) == (2, "")
    assert "--plot xor.pdf: pictures are PNGs; give it a name that ends in .png" in named.err
    refused = hwsim("inspect", "xor", "--plot", "nowhere/xor.png")
    assert (refused.code, refused.out) == (2, "")
    assert "there is no folder nowhere; make it first" in refused.err


def test_crossbars_are_found_among_single_devices():
    """Nodes that share all of their neighbours, whatever else there is."""
    builder = Builder()
    x, n, out = builder.group("x", 3), builder.group("n", 4), builder.group("out")
    a, b = np.repeat(x, 4), np.tile(n, 3)
    builder.add(
        InputSources(name="v", plus=x, feature=[0, 1, 2]),
        Memristors(name="m", a=np.append(a, n[0]), b=np.append(b, out)),
        Diodes(name="d", anode=n, cathode=GROUND, i_sat=1e-9, n=1.0),
        Resistors(name="r", a=out, b=GROUND, r=1e5),
        Nudges(name="nudge", plus=out, minus=GROUND),
    )
    circuit = builder.circuit("loose")
    (result,) = crossbars(circuit)
    assert {tuple(result.rows), tuple(result.columns)} == {tuple(x), tuple(n)}
    (clamps,) = neurons(circuit)
    assert (clamps.kind, clamps.nodes.tolist()) == ("clamp from above", n.tolist())
    g = {"m": np.full(13, 1e-5)}
    blocks = inspect(circuit, Chip.nominal(circuit), g).blocks
    assert [(block["kind"], block.get("in_crossbars")) for block in blocks[:2]] == [("crossbar", None), ("trainable resistors", 12)]
    observed = Reach(circuit).observed()
    assert observed[n[0]]
    assert not observed[n[1:]].any()  # nodes with sources pass nothing on


def test_neurons_draw_what_their_diodes_do():
    """The curve of a pair is the sum of both; ideal ones draw nothing up to their rails."""
    deck = parse(HEAD + "V1 a 0 1\nV2 h 0 0.2\nV3 l 0 -0.1\nR1 a n1 1k\nD1 n1 h dd\nD2 l n1 dd\nR2 n1 0 1k\n" + ROLES)
    (pair,) = neurons(deck.circuit)
    assert (pair.kind, pair.rails) == ("diode pair", (-0.1, 0.2))
    low, middle, high = pair.current(np.array([-0.9, 0.05, 0.9]))
    assert low < -1e-3
    assert abs(middle) < 2e-8
    assert high > 1e-3
