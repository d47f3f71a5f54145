"""The short form of numeric.py: circuits at the extremes end right or as a reported failure, and the check of that can report."""

import numpy as np
import pytest

from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from hwsim.core.protocol import Drive
from hwsim.numeric.numeric_engine import NumericEngine
from torture.exact import Exact
from torture.extremes import cases, structures
from torture.numeric import torture


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_no_wrong_answer_at_the_extremes(precision):
    """Conductances over 12 decades, kilovolts, steep diodes, gains of 0.1 to 100, nudges of both signs: never silently wrong.

    Where ngspice settles too, it is near the same equilibrium.
    """
    circuit = structures(1, 2)[1]
    result = torture(circuit, cases(5, 1, circuit, 60), precision, ngspice=6)
    assert result.wrong == []
    assert result.tally["right"] >= 20
    assert precision == "float32" or result.tally["ngspice: agrees"] >= 3


def test_cases_that_were_once_wrong_are_right_or_reported():
    """Found by torture in 32 bit: volts off, as what holds the nodes was lost in rounding, and small steps passed for an equilibrium."""
    circuit = structures(111, 4)[3]
    drawn = cases(111, 3, circuit, 1579)
    result = torture(circuit, [drawn[k] for k in (53, 1578)], "float32", newton=True)
    assert result.wrong == []


def test_the_judge_sees_what_is_wrong():
    """An equilibrium passes; the same with one node a microvolt off is reported to be off by a microvolt."""
    layer = Layer(size=3, neuron=DiodePair(), amplifier=Amplifier())
    circuit = Network(inputs=2, layers=(layer,), outputs=1, g_min=1e-12, g_max=1.0).compile()
    one = cases(3, 0, circuit, 1)[0]
    with NumericEngine().prepare(circuit, one.chip) as solver:
        equilibrium = solver.solve(one.g, Drive(one.x[None]))
    v = np.concatenate([[0.0], *(equilibrium.v[group.name][0] for group in circuit.groups)])
    exact = Exact(circuit, one.chip, one.g)
    assert exact.check(v, one.x, 0.0, one.target).off <= 1e-10 * np.abs(v).max()
    node = int(circuit.trainable[0].columns[0])
    v[node] += 1e-6
    assert exact.check(v, one.x, 0.0, one.target).off == pytest.approx(1e-6, rel=1e-3)
