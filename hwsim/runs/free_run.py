"""Loops that run free: a reservoir whose trained read-out drives it, compared with the series behind what it learnt from, and as a deck."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from circuits.units import Second
from hwsim.chains.digital_part import DenseWeights, DigitalPart
from hwsim.experiment.experiment import ExperimentError
from hwsim.reservoir.closed_circuit import ClosedCircuit
from hwsim.runs.loaded import LoadedModel
from hwsim.settings.block_settings import DigitalBlock
from hwsim.typing import Floats
from netlists.measure.free_run import free_run_measure
from netlists.write.writer import write_deck

CLOSE = 0.4
"""Standard deviations of the targets, root mean square over them, by which a free run may be off while it follows.

Source: Pathak et al. 2018, Chaos 28, 041101, whose valid time ends there.
"""


@dataclass(frozen=True)
class FreeRunResult:
    """What a loop made by itself, next to the series.

    Parameters
    ----------
    names
        What the targets are called.
    made, true
        Targets, (n, K) each, in their units; true ones as far as the test set goes.
    error
        Of each true row in standard deviations of the test set, root mean square over targets, shape (m,).
    period
        Of a row [s].

    """

    names: tuple[str, ...]
    made: Floats
    true: Floats
    error: Floats
    period: Second

    @property
    def nrmse(self) -> float:
        """Root mean square error of all true rows, as a share of the standard deviation; NaN where there is none."""
        return float(np.sqrt((self.error**2).mean())) if len(self.error) else float("nan")

    @property
    def followed(self) -> int:
        """Rows until the error is above CLOSE for the first time."""
        off = np.flatnonzero(~(self.error <= CLOSE))
        return int(off[0]) if len(off) else len(self.error)

    @property
    def table(self) -> bytes:
        """A table (.csv): the number of the row, when it ends, what the loop made, and the series, empty where that has ended."""
        lines = [",".join(["sample", "time_s", *self.names, *(f"{name}_series" for name in self.names)])]
        for k, made in enumerate(self.made.tolist()):
            true = map(repr, self.true[k].tolist()) if k < len(self.true) else [""] * len(self.names)
            lines.append(",".join([str(k), repr(self.period * (k + 1)), *map(repr, made), *true]))
        return ("\n".join(lines) + "\n").encode()


@dataclass(frozen=True)
class FreeLoop:
    """The loop of a model with a reservoir that a dense layer reads."""

    given: LoadedModel

    @cached_property
    def readout(self) -> DenseWeights:
        """Its weights (N, K) and biases (K,) [V]: ŷ = states·weights + biases.

        Raises
        ------
        ExperimentError
            When a reservoir is read by something else.

        """
        experiment = self.given.experiment
        blocks = experiment.blocks or ()
        layers = [layer for block in blocks for layer in (block.layers if isinstance(block, DigitalBlock) else (None,))]
        if experiment.reservoir is None or [layer and layer.kind for layer in layers] != ["dense"]:
            what = "has no reservoir" if experiment.reservoir is None else "is not read by one dense layer alone"
            msg = f"{experiment.name}: {what}, and runs free in no loop; use a reservoir with [[blocks]] of one dense layer"
            raise ExperimentError(msg)
        return self._layer.dense(self.given.g)

    @property
    def _layer(self) -> DigitalPart:
        """The dense layer."""
        chain: Any = self.given.circuit
        return chain.parts[0]  # type: ignore[no-any-return] # the one block

    def run(self, rows: int) -> FreeRunResult:
        """Let it run free for some rows behind the training set, whose series it follows until then.

        Raises
        ------
        ExperimentError, CircuitError, ConvergenceError, UnsupportedCircuitError
            As `ClosedLoop.run_free`, and when it closes no loop.

        """
        weights, bias = self.readout
        session = self.given.session
        loop, data = session.loop, session.data
        assert data.scale is not None  # noqa: S101 - as real targets have
        made = data.scale.targets(loop.run_free(weights, bias, rows).outputs)
        every = data.targets("test")
        true = every[:rows]
        spread = np.where(every.std(axis=0) > 0, every.std(axis=0), 1.0)
        error = np.sqrt((((made[: len(true)] - true) / spread) ** 2).mean(axis=1))
        return FreeRunResult(data.scale.names, made, true, error, loop.reservoir.drawn.period)

    def deck(self, rows: int, notes: Sequence[str] = ()) -> str:
        """Write the deck that runs free for some rows behind the training set, without the noise of the states.

        Raises
        ------
        ExperimentError, CircuitError
            As `run`, and when the reservoir is continuous.

        """
        weights, bias = self.readout
        session = self.given.session
        loop, data = session.loop, session.data
        closed = ClosedCircuit.of(loop.reservoir, weights, bias, loop.feedback, self._layer.pairs(self.given.g))
        drawn = loop.reservoir.drawn
        nodes = np.concatenate([closed.circuit.nodes(name) for name in drawn.groups])
        measure = free_run_measure(closed.circuit, closed.chip, nodes, loop.synchronised.states[0, -1], rows, drawn.period)
        scale = () if data.scale is None else data.scale.lines()
        about = (f"A loop that runs free, from where the {len(loop.x)} rows of the training set of {data.name} leave its states", *scale)
        return write_deck(closed.circuit, closed.chip, closed.g, x=np.zeros(0), notes=(*about, *notes), measure=measure)
