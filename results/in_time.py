"""A recurrent circuit of 50 columns in time: both engines' trajectories, what a read-out of either learns, and their processor time.

`python results/in_time.py` writes results/in_time.json, which results/in_time.md describes.
"""

import json
import time
from pathlib import Path

import numpy as np
import psutil

import hwsim as hw
from hwsim.reservoir.ridge import RidgeReadout, nrmse

COLUMNS, PERIOD, WASHOUT, TRAIN, TEST = 50, 5e-7, 100, 300, 200
RECURRENCE = hw.Recurrence(pattern="random", fan_in=8, gain=2.8, leak=1e-6, g_min=1e-7, g_max=1e-5)
LAYER = hw.Layer(COLUMNS, neuron=hw.DiodePair(v_low=-0.15, v_high=0.15), recurrence=RECURRENCE)
NETWORK = hw.Network(inputs=1, layers=[LAYER], outputs=1, capacitance=(1e-11, 1e-12))


def error(states: np.ndarray, y: np.ndarray) -> float:
    """Return the NRMSE of a ridge read-out on the last samples; it knows the inputs before the time of its target."""
    states, y, end = states[:-1], y[1:, None], WASHOUT + TRAIN
    readout = RidgeReadout.fit(states[WASHOUT:end], y[WASHOUT:end])
    return float(nrmse(readout(states[end : end + TEST]), y[end : end + TEST])[0])


def measure() -> dict[str, float]:
    """Run both engines on NARMA10, and compare them."""
    rng = np.random.default_rng(0)
    circuit, samples = NETWORK.compile(), WASHOUT + TRAIN + TEST + 1
    g = {e.name: 10 ** rng.uniform(-7, -5, e.shape) for e in circuit.trainable}
    g["w2"] = np.full_like(g["w2"], 1e-8)  # the circuit's outputs load the columns that are read
    u, y = hw.narma(samples, seed=0)
    signal = hw.Signal.hold(2 * u[None, :, None] - 0.5, PERIOD)
    many = signal._replace(x=np.repeat(signal.x[:, :100], 256, axis=0), times=signal.times[:100])
    result: dict[str, float] = {"memristors": NETWORK.memristors, "samples": samples}
    chip = hw.Chip.nominal(circuit)
    with hw.NumericEngine().prepare(circuit, chip) as numeric, hw.NgspiceEngine(workers=1).prepare(circuit, chip) as ngspice:
        ours = numeric.integrate(g, signal, groups=["h1"])
        result |= {"numeric_steps": ours.steps, "numeric_error_V": ours.error}
        for name, one in (("one", signal), ("many", many)):
            numeric.integrate(g, one, groups=["h1"], steps=4)  # compiles
            begin = time.process_time()
            coarse = numeric.integrate(g, one, groups=["h1"], steps=4)
            result[f"numeric_{name}_s"] = (time.process_time() - begin) / one.x[..., 0].size
            result[f"numeric_{name}_error_V"] = coarse.error
        theirs = ngspice.integrate(g, signal, groups=["h1"])
        worker = psutil.Process(ngspice._pool.workers[0].process.pid)  # noqa: SLF001 - whose time it is
        result["ngspice_both_runs_s"] = worker.cpu_times().user / samples
    result |= {"ngspice_steps": theirs.steps, "ngspice_error_V": theirs.error}
    states = [np.asarray(one.v["h1"])[0] for one in (ours, theirs)]
    result["apart_V"] = float(np.abs(states[0] - states[1]).max())
    return result | {"nrmse_numeric": error(states[0], y), "nrmse_ngspice": error(states[1], y)}


if __name__ == "__main__":
    measured = measure()
    Path(__file__).with_suffix(".json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print("\n".join(f"{name}: {value:.6g}" for name, value in measured.items()))  # noqa: T201 - a result
