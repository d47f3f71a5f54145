"""Trajectories as files: a table, arrays, or a picture."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from circuits.circuit import Circuit
from circuits.units import Second
from hwsim.core.transient import Trajectory
from hwsim.files.figures import new_figure, png_bytes

_DRAWN = 24
"""Most lines in a panel; their names stand next to it."""

_COLOURS, _STYLES = 10, ("-", "--", ":")
"""After so many lines colours begin again, in another style."""

_PREFIXES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"), (1e-12, "ps"))


def names_and_volts(circuit: Circuit, trajectory: Trajectory) -> tuple[list[str], np.ndarray]:
    """Return the names of the nodes with capacitors, and of outputs, and their voltages in the first sequence, (T, columns) [V]."""
    names, volts = [], []
    for group in circuit.groups:
        if group.name in trajectory.v:
            names += group.names
            volts.append(trajectory.v[group.name][0])
    outputs = trajectory.outputs[0]
    names += [f"output_{k}" for k in range(outputs.shape[1])]
    return names, np.concatenate([*volts, outputs], axis=1)


def as_file(path: Path, circuit: Circuit, trajectory: Trajectory, samples: Sequence[int]) -> bytes:
    """Return the voltages in time as a table (.csv) or as arrays (.npz): `sample`, `time_s`, and a column for each node and output [V].

    `samples` are the numbers of what was held, one an interval.
    """
    names, volts = names_and_volts(circuit, trajectory)
    if path.suffix.lower() == ".npz":
        packed = io.BytesIO()
        np.savez(packed, sample=np.asarray(samples), time_s=trajectory.times, names=np.array(names), volts=volts)
        return packed.getvalue()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["sample", "time_s", *names])
    for sample, time, row in zip(samples, trajectory.times.tolist(), volts.tolist(), strict=True):
        writer.writerow([sample, repr(time), *map(repr, row)])
    return text.getvalue().encode()


def picture(circuit: Circuit, trajectory: Trajectory, period: Second, title: str) -> bytes:
    """Draw the outputs, and the voltages of each group of nodes, over time, from 0 V on; returns the PNG's bytes."""
    last = float(trajectory.times[-1])
    scale, unit = next(((by, unit) for by, unit in _PREFIXES if last >= by), _PREFIXES[-1])
    times, outputs = np.append(0.0, trajectory.times) / scale, trajectory.outputs[0]
    of_groups = {group.name: group.names for group in circuit.groups}
    panels = [("outputs", [f"ŷ{k}" for k in range(outputs.shape[1])], outputs)]
    panels += [(name, list(of_groups[name]), v[0]) for name, v in trajectory.v.items()]
    figure = new_figure(7.5, 0.6 + 2.0 * len(panels), dpi=150)
    for axes, (name, lines, volts) in zip(figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0], panels, strict=True):
        for k, (line, course) in enumerate(zip(lines[:_DRAWN], volts.T, strict=False)):
            axes.plot(times, np.append(0.0, course), linewidth=0.9, label=line, linestyle=_STYLES[k // _COLOURS])
        axes.set_ylabel(f"{name} [V]" if len(lines) <= _DRAWN else f"{name} [V]\nthe first {_DRAWN} of {len(lines)}")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=6, frameon=False, ncols=1 + (len(lines[:_DRAWN]) - 1) // 12)
        for edge in np.arange(0.0, last * (1 + 1e-9), period):
            axes.axvline(edge / scale, color="0.85", linewidth=0.6, zorder=0)
    axes.set_xlabel(f"time [{unit}]")
    figure.suptitle(title)
    return png_bytes(figure)
