"""Training through ngspice alone goes the way that the numeric engine's goes."""

import numpy as np

from circuits.chip import Chip
from hwsim.core.protocol import Engine
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session


def test_both_engines_learn_the_same() -> None:
    """After an epoch from the same seed the conductances agree far within a thousandth of their range."""
    experiment = override(load("iris"), ["training.epochs=1"])
    circuit = experiment.circuit.compile()

    def trained(engine: Engine) -> dict[str, np.ndarray]:
        with engine.prepare(circuit, Chip.nominal(circuit)) as solver:
            trainer = Session.of(experiment).trainer(solver)
            *_, last = trainer.run(trainer.begin())
            return trainer.g(last.state)

    numeric, ngspice = trained(NumericEngine()), trained(NgspiceEngine(workers=1))
    for name, g in numeric.items():
        span = float(circuit[name].g_max) - float(circuit[name].g_min)
        np.testing.assert_allclose(ngspice[name], g, rtol=0, atol=1e-6 * span)
