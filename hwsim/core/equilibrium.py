"""What is applied to a circuit, and where it settles: Drive, Equilibrium, and what went wrong when there is none.

B is the batch, I the inputs, K the outputs. Arrays are NumPy's from ngspice and JAX's or NumPy's from the numeric engine.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple, Self

import numpy as np

from circuits.circuit import Circuit
from circuits.units import Siemens
from hwsim.core.gathering import gather
from hwsim.typing import Array


class Push(NamedTuple):
    """What the nudges do in one phase: `beta`·(target − ŷ) + current flows into each output.

    Parameters
    ----------
    beta
        Transconductance [S], one number; negative values push away from the target.
    target
        Voltages that the outputs are drawn to, shape (B, K) [V].
    current
        A fixed current into each output, shape (B, K) [A].

    """

    beta: Siemens | Array = 0.0
    target: Array = 0.0
    current: Array = 0.0


FREE = Push()
"""The free phase: nothing pushes."""


class Drive(NamedTuple):
    """What is applied from outside.

    Parameters
    ----------
    x
        Inputs, shape (B, I) [units of the features].
    push
        What the nudges do at the outputs.
    noise
        Currents into the free nodes of groups, each (B, n) [A]; None: nothing is noisy.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> circuit = hw.Network(inputs=2, outputs=1).compile()
    >>> with hw.NumericEngine().prepare(circuit, hw.Chip.nominal(circuit)) as solver:
    ...     equilibrium = solver.solve({"w1": np.full((5, 2), 1e-5)}, hw.Drive(np.array([[0.1, 0.2], [0.3, 0.4]])))
    >>> equilibrium.outputs(circuit).shape
    (2, 1)

    """

    x: Array
    push: Push = FREE
    noise: Mapping[str, Array] | None = None

    def some(self, samples: Any) -> Self:
        """Return what is applied to chosen samples of the batch; a number that is one for all stays."""
        push = Push(*(part if np.ndim(part) < 2 else np.asarray(part)[samples] for part in self.push))  # noqa: PLR2004 - (B, K)
        noise = None if self.noise is None else {name: np.asarray(i)[samples] for name, i in self.noise.items()}
        return self._replace(x=np.asarray(self.x)[samples], push=push, noise=noise)


class Result(IntEnum):
    """How the search for one equilibrium ended; `advice` is what to try."""

    CONVERGED = 0
    MAX_STEPS = 1
    NOT_FINITE = 2
    NOT_CONVEX = 3
    ENGINE_FAILED = 4
    UNBALANCED = 5
    STIFF = 6

    @property
    def advice(self) -> str:
        """What happened, and what to try."""
        return _ADVICE[self]


_ADVICE = {
    Result.CONVERGED: "converged",
    Result.MAX_STEPS: "the residual is still above the tolerance; set solver.newton to true, or raise solver.max_steps or solver.tolerance",
    Result.NOT_FINITE: "voltages overflowed; check inputs and conductances for extreme values",
    Result.NOT_CONVEX: (
        "the state that was found would not last: the negative nudge makes an output unstable, so bring beta nearer to 0; "
        "without one, amplifiers far apart in gain and back feed back more than the circuit takes up"
    ),
    Result.ENGINE_FAILED: "the engine gave no answer for this sample; its messages are above",
    Result.UNBALANCED: "currents do not balance at the voltages that were found; compare with --engine ngspice, and report it",
    Result.STIFF: (
        "wires or resistors of so little resistance leave nothing of the other currents but rounding; set circuit.wire_r_row and "
        "circuit.wire_r_column to 0, or make them larger, or use --engine numeric"
    ),
}


class ConvergenceError(RuntimeError):
    """Some samples have no equilibrium within the tolerance; the message names them, how far off they are, and what to try.

    Examples
    --------
    >>> import hwsim as hw
    >>> experiment = hw.load("xor", {"solver.max_steps": 1, "solver.newton": False})
    >>> try:
    ...     hw.solve(experiment, [[1.0, -1.0]])
    ... except hw.ConvergenceError as error:
    ...     print("max_steps" in str(error))
    True

    """


class Equilibrium(NamedTuple):
    """Where a batch of samples settled.

    Parameters
    ----------
    v
        Voltages by node group, each of shape (B, n) [V]; groups of fixed voltage too.
    residual
        Largest sum of the currents into a node (0 by Kirchhoff's law), shape (B,) [A].
    steps
        Iterations that a sample took, shape (B,).
    result
        Codes of `Result`, shape (B,).

    """

    v: Mapping[str, Array]
    residual: Array
    steps: Array
    result: Array

    def at(self, circuit: Circuit, nodes: Array) -> Array:
        """Return the voltages at node numbers, shape (B, len(nodes)) [V]; ground is 0 V."""
        return gather(circuit, self.v, nodes)

    def outputs(self, circuit: Circuit) -> Array:
        """Return the read-outs ŷ = v(plus) − v(minus), shape (B, K) [V]."""
        return self.at(circuit, circuit.outputs.plus) - self.at(circuit, circuit.outputs.minus)

    def some(self, samples: Any) -> Self:
        """Return the equilibria of chosen samples of the batch, in arrays of NumPy."""
        v = {name: np.asarray(volts)[samples] for name, volts in self.v.items()}
        return type(self)(v, *(np.asarray(part)[samples] for part in self[1:]))

    def check(self, circuit: Circuit) -> Self:
        """Hand on an equilibrium, or raise when a sample did not converge.

        Raises
        ------
        ConvergenceError
            Naming the first failed sample, its residual and what to try.

        """
        failed = np.flatnonzero(np.asarray(self.result) != Result.CONVERGED)
        if len(failed):
            k = int(failed[0])
            code = Result(int(np.asarray(self.result)[k]))
            msg = (
                f"{circuit.name}: {len(failed)} of {len(self.result)} samples found no equilibrium; sample {k}: "
                f"residual {float(np.asarray(self.residual)[k]):.3g} A after {int(np.asarray(self.steps)[k])} steps: {code.advice}"
            )
            raise ConvergenceError(msg)
        return self
