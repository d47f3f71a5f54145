"""Published memristors as examples: each moves as its paper's equations state."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import netlists
from support.decks import run_ngspice

FOLDER = Path(netlists.__file__).with_name("examples")


def biolek(x, v):
    """Return dx/dt and the current: drift with the window of Biolek."""
    i = v / (100 * x + 16e3 * (1 - x))
    return 10e-15 * 100 / 10e-9**2 * i * (1 - (x - (i < 0)) ** 4), i


def pershin(x, v):
    """Return dX/dt in kiloohms a second and the current: a threshold, and bounds where the movement stops."""
    f = 1e10 * (v - 0.5 * (abs(v + 4.6) - abs(v - 4.6)))
    return f * ((v > 0) * (x < 10) + (v < 0) * (x > 1)), v / (1e3 * x)


def yakopcic(x, v):
    """Return dx/dt and the current: exponentials beyond the thresholds, slower near the ends."""
    g = 4e3 * (np.exp(v) - np.exp(0.16)) * (v > 0.16) - 4e3 * (np.exp(-v) - np.exp(0.15)) * (v < -0.15)
    up = np.exp(-(x - 0.3)) * ((0.3 - x) / 0.7 + 1) if x > 0.3 else 1
    down = np.exp(5 * (x - 0.5)) * x / 0.5 if x < 0.5 else 1
    return g * (up if g > 0 else down), 0.17 * x * np.sinh(0.05 * v)


def vteam(x, v):
    """Return dw/dt in nanometres a second and the current: powers of the overdrive, between the ends."""
    off, on = max(v / 0.3 - 1, 0) ** 3 * (x < 3), max(-v / 0.3 - 1, 0) ** 3 * (x > 0)
    return 50e6 * (off - on), v / (1e3 + 19e3 * x / 3)


def stanford(x, v):
    """Return the gap's rate in nanometres a second and the current: fields and heat."""
    i = 1e-3 * np.exp(-x / 0.25) * np.sinh(v / 0.25)
    thermal = 8.617333e-5 * (298 + 2.1e3 * abs(v * i))
    rate = -1e10 * np.exp(-0.6 / thermal) * np.sinh((16 - 0.8 * x**3) * 0.25 / 12 * v / thermal)
    return rate * (x < 1.7 if rate > 0 else x > 0.2), i


MODELS = {
    "biolek": (biolek, 0.3, (1.0, -1.0), 0.1),
    "pershin": (pershin, 5.0, (6.0, -6.0), 2e-10),
    "yakopcic": (yakopcic, 0.4, (0.5, -0.5), 1e-4),
    "vteam": (vteam, 1.5, (0.9, -0.9), 1e-9),
    "stanford-pku": (stanford, 1.2, (1.4, -1.4), 5e-9),
}
"""Law, state at the start, two voltages [V] and how long each is applied [s]."""

AT_REST = {
    "biolek": lambda x: 100 * x + 16e3 * (1 - x),
    "pershin": lambda x: 1e3 * x,
    "yakopcic": lambda x: 1 / (0.17 * 0.05 * x),
    "vteam": lambda x: 1e3 + 19e3 * x / 3,
    "stanford-pku": lambda x: 0.25 / (1e-3 * np.exp(-x / 0.25)),
}
"""The resistance at equilibrium that a state is [ohm]."""


def example(name):
    """Read the text of a model's example."""
    return (FOLDER / f"memristor-{name}.cir").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MODELS)
def test_a_memristor_moves_as_its_paper_says(name, tmp_path):
    """Up by one voltage and down by another, both states and the current after each are those of the equations, integrated by SciPy."""
    law, x, applied, time = MODELS[name]
    subcircuit = re.search(r"(?s)\.subckt.*?\.ends memristor\n", example(name))[0]
    for v in applied:
        deck = f"one\n{subcircuit}V_1 a 0 {v!r}\nX_1 a 0 memristor r={float(AT_REST[name](x))!r}\n"
        deck += f".control\nset noaskquit\nset norefvalue\noption reltol=1e-6\ntran {time / 2000!r} {time!r}\nlet last = length(time) - 1\n"
        out = run_ngspice(
            f"{deck}let x_end = v(x_1.x)[last]\nlet i_end = -v_1#branch[last]\nprint x_end i_end\nquit 0\n.endc\n.end\n", tmp_path
        )
        matches = {key: float(value) for key, value in re.findall(r"^([xi]_end) = (\S+)$", out, re.MULTILINE)}
        right = solve_ivp(lambda _, y, v=v: [law(y[0], v)[0]], (0, time), [x], rtol=1e-9, atol=1e-12, max_step=time / 50).y[0, -1]
        assert abs(right - x) > 0.02 * x
        assert matches["x_end"] == pytest.approx(right, rel=1e-3)
        assert matches["i_end"] == pytest.approx(law(matches["x_end"], v)[1], rel=1e-4)
        x = right


def test_what_an_example_shows_is_what_it_says(tmp_path):
    """Each write pulse moves the first memristor's state towards a larger weight."""
    for name, grows in {"biolek": 1, "pershin": -1, "yakopcic": 1, "vteam": -1, "stanford-pku": -1}.items():
        out = run_ngspice(example(name), tmp_path)
        before, after = (float(value) for value in re.findall(r"^x_00(?:_after)? = (\S+)$", out, re.MULTILINE))
        assert (after - before) * grows > 0.01 * before, name
