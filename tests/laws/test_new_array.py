"""A kind of array that the package does not know needs nothing but its own class: it is solved, checked, learned and written."""

import numpy as np
import pytest

from circuits.arrays import Crossbar
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Diodes, InputSources, Nudges, Resistors
from circuits.nodes import GROUND
from hwsim.core import kirchhoff
from hwsim.core.blocks import join
from hwsim.core.protocol import Drive, Push
from hwsim.core.verified import certified
from hwsim.learning.gradient.drops import drop_products
from hwsim.learning.noise_currents import currents
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.settings.variation_settings import NoiseSettings
from netlists.write.writer import write_deck
from support.tied_array import TiedColumns

X, Y = np.array([[0.7, -0.4, 0.2, -0.6], [-0.9, 0.8, 0.5, 0.1]]), np.array([[0.1], [-0.2]])
G = {"c": np.array([2e-5, 5e-5, 1e-5]), "w": np.array([[3e-5], [6e-5]])}


def convolved() -> Circuit:
    """Make two columns that see four inputs through one kernel of three, diodes at them, and a crossbar to one output."""
    builder = Builder()
    x, h, out = builder.group("x", 4), builder.group("h", 2), builder.group("out")
    builder.add(
        InputSources(name="v_x", plus=x, feature=np.arange(4)),
        TiedColumns(name="c", rows=x, columns=h),
        Diodes(name="d", anode=h, cathode=GROUND, i_sat=[1e-7, 3e-8], n=1.2),
        Crossbar(name="w", rows=h, columns=out),
        Resistors(name="r", a=out, b=GROUND, r=2e4),
        Nudges(name="nudge", plus=out, minus=GROUND),
    )
    return builder.circuit("convolved")


def test_both_engines_solve_it() -> None:
    """The general solver and ngspice find the same voltages, and Kirchhoff's law holds at them."""
    circuit = convolved()
    chip, drive, result = Chip.nominal(circuit), Drive(X, Push(beta=1e-5, target=Y)), []
    for engine in (NumericEngine(), NgspiceEngine(workers=1), NgspiceEngine(workers=1, full=True)):
        with engine.prepare(circuit, chip) as solver:
            result.append(certified(chip, G, drive, solver.solve(G, drive)).check(circuit))
        balance = kirchhoff.balance(circuit, chip, G, drive, result[-1])
        assert (balance.residual <= 1e-9 * balance.largest).all()
    for other in result[1:]:
        np.testing.assert_allclose(kirchhoff.by_number(circuit, other), kirchhoff.by_number(circuit, result[0]), rtol=0, atol=1e-9)


def test_nudged_phases_give_its_gradient() -> None:
    """Centred, against finite differences of every conductance, the tied ones among them."""
    circuit, beta = convolved(), 1e-7
    chip = Chip.nominal(circuit)
    with NumericEngine().prepare(circuit, chip) as solver:

        def loss(g: dict[str, np.ndarray]) -> float:
            return float(0.5 * ((Y - solver.solve(g, Drive(X)).outputs(circuit)) ** 2).sum())

        up, down = (solver.solve(G, Drive(X, Push(beta=side, target=Y))).v for side in (beta, -beta))
        difference, both = {name: up[name] - down[name] for name in up}, {name: up[name] + down[name] for name in up}
        estimate = join(drop_products(circuit, chip, difference, both, X, phases=2))
        for name, g in G.items():
            steps = [1e-5 * g.max() * one.reshape(g.shape) for one in np.eye(g.size)]
            slopes = [(loss(G | {name: g + step}) - loss(G | {name: g - step})) / (2 * step.max()) for step in steps]
            np.testing.assert_allclose(estimate[name].ravel() / (4 * beta), slopes, rtol=1e-4)


def test_its_devices_stand_in_a_deck() -> None:
    """One card a device, by its numbers, with its own conductance, which may be another's too."""
    circuit = convolved()
    cards = dict(
        line.split(maxsplit=1) for line in write_deck(circuit, Chip.nominal(circuit), G, x=X[0]).splitlines() if line.startswith("R_")
    )
    for j in range(2):
        for k in range(3):
            row, column, ohms = cards[f"R_c_{j}_{k}"].split()
            assert (row, column, float(ohms)) == (f"x_{j + k}", f"h_{j}", pytest.approx(1 / G["c"][k]))
    assert {edge for *_, edge in circuit.graph(nodes=True).edges(data="element")} >= {"c", "w"}
    assert circuit.graph().edges["x", "h", 0]["count"] == 6


def test_its_devices_are_noisy_one_by_one() -> None:
    """Thermal currents at a column have the variance of all devices that end there, though their conductances are tied."""
    circuit = convolved()
    settings, many = NoiseSettings(thermal=True, shot=False, bandwidth=1e6), 20_000
    with NumericEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        free = solver.solve(G, Drive(X[:1]))
    batch = free._replace(v={name: np.repeat(v, many, axis=0) for name, v in free.v.items()})
    (noise,) = currents(circuit, Chip.nominal(circuit), G, batch, settings=settings, temperature=300.0, seed=np.uint32(5), phases=1)
    expected = 4 * 1.380649e-23 * 300.0 * 1e6 * (G["c"].sum() + G["w"][:, 0])
    np.testing.assert_allclose(noise["h"].var(axis=0), expected, rtol=0.05)
