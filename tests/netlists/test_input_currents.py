"""Current sources carry features: as Kirchhoff's law has it, in both engines, in flat decks and foreign ones, and when written."""

import numpy as np
import pytest

from circuits.chip import Chip
from hwsim.core.protocol import Drive
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine
from netlists.measure.sweep import Sweep
from netlists.read.roles import from_patterns
from netlists.text.findings import NetlistError
from netlists.write.writer import write_deck
from support.reading import parse

DECK = """* a voltage and two currents, one of them between two nodes
.param k=1
V1 in 0 1
I1 0 a 1m
R1 in a 1k
R2 a b {r}
I2 b c 2m
R3 b 0 2k
R4 c 0 3k
.end
"""
ROLES = from_patterns(inputs=["V1,I1", "I2 scale=1e-3"], outputs=["a", "b", "c"], trainable=["R1,R3"])
X = np.array([[1.0, 1e-3, 2.0], [0.0, 2e-3, -1.0]])
"""The first sample is the deck's own."""


def expected() -> np.ndarray:
    """Solve both nodes that are joined by hand: (a − in)/1k + (a − b)/1k = i1, (b − a)/1k + b/2k = −i2, c = 3k·i2."""
    i1, i2 = X[:, 1], 1e-3 * X[:, 2]
    a, b = np.linalg.solve([[2e-3, -1e-3], [-1e-3, 1.5e-3]], np.array([X[:, 0] / 1e3 + i1, -i2]))
    return np.column_stack([a, b, 3e3 * i2])


@pytest.mark.parametrize("r", ["1k", "{k*1k}"], ids=["flat", "foreign"])
def test_engines_inject_what_the_features_say(r):
    """The order of the names is that of the features, whatever kind the sources are; their scale makes amperes of a feature."""
    deck = parse(DECK.replace("{r}", r), ROLES)
    np.testing.assert_allclose(deck.x, X[0], rtol=1e-12)
    for engine in (NumericEngine(), NgspiceEngine(workers=1)):
        with engine.prepare(deck.circuit, Chip.nominal(deck.circuit)) as solver:
            np.testing.assert_allclose(np.asarray(solver.solve(deck.g, Drive(X)).outputs(deck.circuit)), expected(), atol=1e-9)


def test_what_is_written_is_the_same_circuit():
    """Sources of current follow their features there too; a sweep of a current is refused."""
    deck = parse(DECK.replace("{r}", "1k"), ROLES)
    circuit, chip = deck.circuit, Chip.nominal(deck.circuit)
    again = parse(write_deck(circuit, chip, deck.g, x=X[1]))
    assert again.circuit.inputs == circuit.inputs
    np.testing.assert_array_equal(again.x, X[1])
    with pytest.raises(ValueError, match=r"input 2 .* is a current \(i2\), and sweeps are of voltages"):
        write_deck(circuit, chip, deck.g, x=X[1], measure=Sweep(feature=2, start=0, stop=1, points=3))


def test_other_cards_carry_nothing():
    """Only sources of voltage and current do."""
    roles = from_patterns(inputs=["R2"], outputs=["a"], trainable=["R1"])
    with pytest.raises(NetlistError, match="r2 cannot be that; only sources can, so name only those"):
        parse(DECK.replace("{r}", "1k"), roles)
