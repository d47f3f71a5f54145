"""Pictures of a reservoir: some of its states in time, the read-out and its target, the spectrum of its weights, and its memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from hwsim.formatting import counted
from hwsim.inspection.palette import SERIES, SOFT
from hwsim.learning.predictions import Predictions
from hwsim.report.picture import Picture, grid, picture
from hwsim.report.reservoir_states import ROWS, ReservoirStates
from hwsim.report.run_files import RunRecord
from hwsim.report.section import Gallery
from hwsim.settings.sections import DataSettings
from hwsim.typing import Floats

_STATES, _TARGETS = 6, 3
"""States and targets that are drawn."""


def reservoir_gallery(record: RunRecord, name: str) -> Gallery | None:
    """Draw the reservoir of a run; None without one."""
    if record.reservoir is None:
        return None
    return Gallery("Reservoir", "", list(_pictures(record, record.reservoir, name)))


def reservoir_facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    """List the numbers that describe a run's reservoir and its states."""
    if "test_inputs_alone" in record.summary:
        measure = record.experiment.data.measure
        yield f"{record.experiment.data.held_out} {measure.name} of the inputs alone", measure.text(record.summary["test_inputs_alone"])
    if (states := record.reservoir) is not None:
        yield "memristors of the reservoir", f"{states.drawn.memristors:,}"
        yield "rank of its states above their noise", f"{states.rank} of {states.drawn.settings.nodes}"
        yield "effective rank of its states", f"{states.effective_rank:.1f}"
        yield "entropy of its states", f"{states.entropy:.2f} nats"
    if (memory := memory_of(record.predictions, record.experiment.data)) is not None:
        yield "memory capacity", f"{memory.sum():.2f} of {counted(len(memory), 'delay')}"


def memory_of(predicted: Predictions | None, data: DataSettings) -> Floats | None:
    """Return how much of each earlier input a read-out finds: squared correlations with the targets, (K,); None for other tasks.

    Their sum is the memory capacity (Jaeger 2001, GMD Report 152), of the delays that are asked for, on the held-out set.
    """
    if predicted is None or data.name != "memory":
        return None
    read, true = (values - values.mean(axis=0) for values in (predicted.predicted, predicted.true))
    power = (read**2).sum(axis=0) * (true**2).sum(axis=0)
    shared: Floats = (read * true).sum(axis=0) ** 2 / np.where(power > 0, power, 1.0)
    return shared


def _pictures(record: RunRecord, states: ReservoirStates, name: str) -> Iterator[Picture]:
    yield _trajectories(record, states, name)
    if record.predictions is not None:
        yield _read_out(record.predictions, record.experiment.data, name)
    if states.eigenvalues.size:
        yield _spectrum(states, name)
    if (memory := memory_of(record.predictions, record.experiment.data)) is not None:
        yield _memory(memory, name)


def _trajectories(record: RunRecord, states: ReservoirStates, name: str) -> Picture:
    chosen = np.linspace(0, states.followed.shape[1] - 1, min(_STATES, states.followed.shape[1])).astype(int)
    millivolts = 1e3 * states.followed[:, chosen]
    sequence, part = record.predictions is None, "column" if states.drawn.layers else "state"

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        grid(axes)
        for row in states.reads if sequence else ():
            axes.axvline(row, color=SOFT, linewidth=1.0)
        for k, column in enumerate(chosen):
            axes.plot(millivolts[:, k], color=SERIES[k], linewidth=1.0, label=f"{column + 1}")
        axes.set(xlabel="row", ylabel="state [mV]")
        axes.legend(title=part, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    of = "first sequence" if sequence else f"first {len(millivolts)} rows"
    return picture(
        f"{name}-states",
        "States",
        draw,
        alt=f"Curves of {counted(len(chosen), 'state')}, from {millivolts.min():.3g} mV to {millivolts.max():.3g} mV.",
        caption=f"Voltages of some {part}s in the {of} of the {record.experiment.data.held_out} set."
        + (" Lines are where states are read." if sequence else ""),
        wide=True,
    )


def _read_out(predicted: Predictions, data: DataSettings, name: str) -> Picture:
    shown, unit = min(_TARGETS, len(predicted.names)), data.measure.unit

    def draw(figure: Any) -> None:
        panels = figure.subplots(shown, 1, sharex=True, squeeze=False)[:, 0]
        for k, axes in enumerate(panels):
            grid(axes)
            axes.plot(predicted.true[:ROWS, k], color=SOFT, label="target")
            axes.plot(predicted.predicted[:ROWS, k], color=SERIES[1], linewidth=1.0, label="read-out")
            axes.set_ylabel(predicted.names[k] + (f" [{unit}]" if unit else ""))
        panels[0].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        panels[-1].set_xlabel("row")

    left_out = f" The first {shown} of {len(predicted.names)} targets are shown." if len(predicted.names) > shown else ""
    rows = min(ROWS, len(predicted.true))
    return picture(
        f"{name}-read-out",
        "Read-out",
        draw,
        alt=f"Curves of {counted(shown, 'target')} and of what the read-out makes of the states, over {rows} rows.",
        caption=f"What the read-out makes of the first {rows} rows of the {data.held_out} set, and the target.{left_out}",
        wide=True,
        height=2.6 if shown == 1 else 1.6 * shown,
    )


def _spectrum(states: ReservoirStates, name: str) -> Picture:
    values, turn = states.eigenvalues, np.linspace(0, 2 * np.pi, 200)
    radius, abscissa = float(np.abs(values).max()), float(values.real.max())

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        grid(axes)
        axes.plot(np.cos(turn), np.sin(turn), color=SOFT, linewidth=1.0)
        axes.plot(values.real, values.imag, ".", color=SERIES[0], markersize=5, markeredgewidth=0)
        axes.set(xlabel="real part", ylabel="imaginary part", aspect="equal")

    return picture(
        f"{name}-spectrum",
        "Spectrum of the weights",
        draw,
        alt=f"Points: {counted(len(values), 'eigenvalue')}, real parts up to {abscissa:.4g}, and the unit circle.",
        caption=f"Eigenvalues of the weights between columns, as designed, and the unit circle; the spectral radius is {radius:.4g}.",
        height=3.2,
    )


def _memory(memory: Floats, name: str) -> Picture:
    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        grid(axes)
        axes.bar(np.arange(1, len(memory) + 1), memory, color=SERIES[0])
        axes.locator_params(axis="x", integer=True)
        axes.set(xlabel="rows before", ylabel="squared correlation", ylim=(0, 1.02))

    total = f"{memory.sum():.2f}"
    return picture(
        f"{name}-memory",
        "Memory capacity",
        draw,
        alt=f"Bars: squared correlation of the read-out with inputs of 1 to {len(memory)} rows before; their sum is {total}.",
        caption=f"How much of each earlier input the read-out finds in the states; the sum is the memory capacity, {total}.",
    )
