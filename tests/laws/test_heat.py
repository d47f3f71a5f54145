"""Heat: junctions warm up as ngspice's do, whatever their energy gap and exponent, in both engines and in decks."""

import itertools
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.constants import ZERO_CELSIUS
from circuits.diode import diode_current, junction_at
from circuits.elements import Diodes
from circuits.errors import CircuitError
from circuits.junction_neurons import DeadZone, DiodePair, Rectifier
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Neuron
from hwsim.core.protocol import Drive
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine
from netlists.write.writer import write_deck
from support.reading import parse

SCHOTTKY = {"i_sat": 1e-6, "n": 1.05, "eg": 0.69, "xti": 2.0}
NEURONS: list[Neuron] = [DiodePair(v_low=-0.1, v_high=0.05, **SCHOTTKY), Rectifier(v_low=0.01, **SCHOTTKY), DeadZone(**SCHOTTKY)]
of_each_neuron = pytest.mark.parametrize("neuron", NEURONS, ids=lambda neuron: neuron.kind)


@pytest.mark.parametrize("celsius", [-40.0, 27.0, 85.0, 125.0])
def test_the_saturation_current_is_that_of_ngspice(celsius: float, tmp_path: Path) -> None:
    """For every energy gap, exponent and emission coefficient, at every temperature."""
    grid = list(itertools.product([0.5, 0.69, 1.11, 1.6], [-1.0, 2.0, 3.0], [1.0, 1.906]))
    i_sat, v = 1e-9, 0.1
    cards = [f"V{k} n{k} 0 {v}\nD{k} n{k} 0 m{k}\n.model m{k} D(is={i_sat} n={n} eg={eg} xti={xti})" for k, (eg, xti, n) in enumerate(grid)]
    printed = "\n".join(f"print i(v{k})" for k in range(len(grid)))
    options = f".options temp={celsius} gmin=1e-18 numdgt=17"
    control = f".control\nset numdgt=17\nop\n{printed}\nquit\n.endc\n.end\n"
    (tmp_path / "grid.cir").write_text("\n".join(["* grid", *cards, options, control]), encoding="utf-8")
    output = subprocess.run(["ngspice", "-b", "grid.cir"], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    theirs = [-float(value) for value in re.findall(r"^i\(v\d+\) = (\S+)", output, re.MULTILINE)]
    assert len(theirs) == len(grid), output
    for (eg, xti, n), wanted in zip(grid, theirs, strict=True):
        hot, n_hot = junction_at(i_sat, n, celsius + ZERO_CELSIUS, eg=eg, xti=xti)
        ours, _ = diode_current(np.array([v]), hot, n_hot)
        assert ours[0] == pytest.approx(wanted, rel=1e-9), (eg, xti, n)


def warm(neuron: Neuron, celsius: float) -> Chip:
    """Build a chip at a temperature, of a network with one layer of a kind of neuron and one of silicon's."""
    layers = (Layer(size=3, neuron=neuron, amplifier=Amplifier(gain=2.0, back=0.5)), Layer(size=2, neuron=DiodePair()))
    circuit = Network(inputs=2, layers=layers, outputs=2).compile("warm")
    return Chip(circuit, temperature=celsius + ZERO_CELSIUS)


def conductances(chip: Chip) -> dict[str, np.ndarray]:
    """Draw conductances [S]."""
    rng = np.random.default_rng(3)
    return {element.name: rng.uniform(1e-6, 2e-5, element.shape) for element in chip.circuit.trainable}


X = np.random.default_rng(5).uniform(-1, 1, (4, 2))


@of_each_neuron
def test_engines_agree_on_a_hot_chip(neuron: Neuron) -> None:
    """At 85 °C, with a Schottky diode's gap and exponent: the same voltages at every node, and others than those of silicon's diodes."""
    chip = warm(neuron, 85.0)
    g = conductances(chip)
    silicon = Chip(chip.circuit, {diodes.name: {"eg": np.full(len(diodes), 1.11)} for diodes in chip.circuit.of(Diodes)}, chip.temperature)
    answers = []
    for engine, of in ((NumericEngine(), chip), (NgspiceEngine(workers=1), chip), (NgspiceEngine(workers=1, full=True), chip)):
        with engine.prepare(chip.circuit, of) as solver:
            answers.append(solver.solve(g, Drive(X)))
    for other in answers[1:]:
        for group, v in answers[0].v.items():
            np.testing.assert_allclose(v, other.v[group], rtol=0, atol=1e-10, err_msg=group)
    with NumericEngine().prepare(chip.circuit, silicon) as solver:
        apart = np.abs(solver.solve(g, Drive(X)).outputs(chip.circuit) - answers[0].outputs(chip.circuit))
    assert apart.max() > 1e-5


@of_each_neuron
def test_a_deck_holds_gap_and_exponent(neuron: Neuron) -> None:
    """What is written at 27 °C is read as the same circuit; gap and exponent of silicon are not written at all."""
    chip = warm(neuron, 27.0)
    g = conductances(chip)
    deck = parse(write_deck(chip.circuit, chip, g, x=X[0]))
    assert deck.circuit == chip.circuit
    assert not deck.warnings
    silicon = Network(inputs=2, layers=(Layer(size=2, neuron=DiodePair()),), outputs=2).compile("silicon")
    assert "eg=" not in write_deck(silicon, Chip.nominal(silicon), conductances(Chip.nominal(silicon)), x=X[0])


def test_a_hot_deck_keeps_gap_and_exponent_of_foreign_diodes() -> None:
    """A diode of the user's deck at 27 °C warms up on a chip as ngspice warms it up."""
    roles = "*hwsim: input v1\n*hwsim: trainable r1\n*hwsim: output b 0\n"
    text = f"* a\n{roles}v1 a 0 0.5\nr1 a b 1k\nd1 b 0 m\n.model m D(is=1e-8 eg=0.69 xti=2)\n"
    circuit = parse(text + ".op\n.end\n").circuit
    (diodes,) = circuit.of(Diodes)
    hot = Chip(circuit, temperature=85.0 + ZERO_CELSIUS)
    assert hot(diodes.name, "i_sat")[0] == pytest.approx(junction_at(1e-8, 1.0, 358.15, eg=0.69, xti=2.0)[0], rel=1e-15)


def test_a_saturation_current_beyond_64_bits_is_refused() -> None:
    """Where no number holds it, the chip names which diodes and what to look at."""
    circuit = Network(inputs=1, layers=(Layer(size=1, neuron=DiodePair(n=1e-3)),), outputs=1).compile("hot")
    with pytest.raises(CircuitError, match=r"at 300 °C the saturation current of h1_d_high .* check n, eg and xti"):
        Chip(circuit, temperature=300.0 + ZERO_CELSIUS)
