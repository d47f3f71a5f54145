"""What an experiment's circuit becomes: its chip, its solver, how it learns; one circuit here, and a chain of them in chain.py."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core import blocks
from hwsim.core.protocol import Capability, Solver, UnsupportedCircuitError
from hwsim.devices import manufacture
from hwsim.experiment.engines import make_engine
from hwsim.experiment.experiment import Experiment
from hwsim.settings.sections import Precision
from hwsim.settings.variation_settings import VariationSettings
from hwsim.typing import Floats, Weights

if TYPE_CHECKING:
    from hwsim.devices.programming.programming import Programming
    from hwsim.learning.dataset import Dataset
    from hwsim.learning.readout import Instruments, ReadOut
    from hwsim.learning.rules.estimator import LearningRule
    from hwsim.learning.setup import Setup
    from hwsim.learning.task import Task
    from hwsim.learning.trainer import Trainer
    from hwsim.reservoir.loop import ClosedLoop


class Made(Protocol):
    """One circuit, or a chain of them, with all that an experiment determines of it."""

    @property
    def chip(self) -> Chip:
        """The manufactured chip that the experiment names."""
        ...

    def alike(self, *, learning: bool) -> bool:
        """Whether all chips of the experiment are one, where they are `learning` or only tested."""
        ...

    def driven(self, data: "Dataset", variation: VariationSettings) -> "Dataset":
        """Return data as the inputs' converters of a chip drive them."""
        ...

    @property
    def initial_cut(self) -> str:
        """Which initial conductances the circuit's devices cannot have, in a line; empty where they have all, or these were learned."""
        ...

    def solver(self, precision: Precision) -> Solver:
        """Prepare the experiment's engine; the caller closes it."""
        ...

    def verified_solver(self) -> Solver:
        """Prepare a solver in 64 bits, every equilibrium of which is verified by Kirchhoff's law; the caller closes it."""
        ...

    def setup(self, solver: Solver) -> "Setup":
        """Return how it learns, on a solver of it."""
        ...

    def trainer(self, data: "Dataset", solver: Solver, task: "Task", loop: "Callable[[], ClosedLoop] | None" = None) -> "Trainer":
        """Return what trains it on data, on a solver of it; `loop` is that which a reservoir's read-out may close."""
        ...

    @property
    def rule(self) -> "LearningRule":
        """The learning rule, and what it reads voltages with."""
        ...

    def programming(self, precision: Precision) -> "Programming":
        """Return the way in which the devices' conductances are changed."""
        ...

    @property
    def reading(self) -> "ReadOut":
        """What reads the outputs."""
        ...

    def by_layer(self, solver: Solver, g: Weights, x: Floats, y: Floats) -> dict[str, float]:
        """Return what each layer that learns for itself makes of samples x (B, I) with targets y (B, K); empty where there is none."""
        ...

    def begun(self, g: Weights, precision: Precision) -> dict[str, Floats]:
        """Return what devices have that are programmed to conductances [S] in a precision."""
        ...

    def starting(self) -> dict[str, Floats]:
        """Return the conductances that training is to start from, at the chip's temperature [S], before its devices limit them."""
        ...


@dataclass(frozen=True)
class OneCircuit:
    """One circuit.

    Parameters
    ----------
    experiment
        What determines all of it.
    circuit
        The compiled circuit.
    given
        Conductances in place of those that the experiment shows [S].

    """

    experiment: Experiment
    circuit: Circuit
    given: Mapping[str, Any] | None = None

    @cached_property
    def chip(self) -> Chip:
        """The manufactured chip.

        Raises
        ------
        DeviceError, CircuitError
            As `manufacture.draw`.

        """
        return manufacture.draw(self.circuit, self.experiment.variation, self.experiment.device)

    def alike(self, *, learning: bool) -> bool:
        """Whether all chips of the experiment are one."""
        given = self.experiment
        if learning and given.training.update.drawn:
            return False
        return manufacture.alike(self.circuit, given.variation, given.device, given.noise, learning=learning)

    def driven(self, data: "Dataset", variation: VariationSettings) -> "Dataset":
        """Return data as the inputs' converters of a chip drive them.

        Raises
        ------
        CircuitError
            As `driven`.

        """
        from hwsim.data.input_converters import driven  # noqa: PLC0415 - the readers load only for those who read data

        return driven(data, self.circuit, variation)

    @property
    def shown(self) -> Mapping[str, Any] | None:
        """The conductances that another training left, or that a netlist shows [S]."""
        return self.experiment.shown if self.given is None else self.given

    @property
    def initial_cut(self) -> str:
        """Which initial conductances the circuit's devices cannot have, in a line."""
        from hwsim.learning.initial import initial_cut  # noqa: PLC0415 - learning loads only for those who start from them

        return initial_cut(self.circuit, self.experiment.training, self.shown)

    def solver(self, precision: Precision) -> Solver:
        """Prepare the experiment's engine for the circuit on its chip.

        Raises
        ------
        UnsupportedCircuitError, ValueError
            When the engine does not solve such circuits, or not in this precision.

        """
        training = self.experiment.training
        return make_engine(training.engine, self.experiment.solver, precision).prepare(self.circuit, self.chip)

    def verified_solver(self) -> Solver:
        """Prepare a solver in 64 bits that verifies every equilibrium; ngspice, and the general one, do that anyway.

        The numeric engine solves small circuits by their ports, in less time than it takes to load JAX, and by their layers should that
        fail.
        """
        if self.experiment.training.engine == "numeric":
            from hwsim.numeric.exact import small_engine  # noqa: PLC0415 - for the numeric engine alone

            small = small_engine(self.circuit, self.experiment.solver)
            if small is not None:
                from hwsim.core.backed_up import BackedUpSolver  # noqa: PLC0415 - as above

                with suppress(UnsupportedCircuitError):
                    return BackedUpSolver(small.prepare(self.circuit, self.chip), self._certified)
        return self._certified()

    def _certified(self) -> Solver:
        """Prepare the experiment's engine in 64 bits, whose equilibria are verified by Kirchhoff's law."""
        solver = self.solver("float64")
        if Capability.VERIFIED in solver.capabilities:
            return solver
        from hwsim.core.verified import CertifiedSolver  # noqa: PLC0415 - only for the numeric engine

        return CertifiedSolver(solver, self.experiment.solver.tolerance)

    def setup(self, solver: Solver) -> "Setup":
        """Return how the circuit learns, on a solver of it."""
        from hwsim.learning.setup import Setup  # noqa: PLC0415 - learning loads only for those who train

        given = self.experiment
        parts: Any = {"device": given.device, "shown": self.shown, "variation": given.variation, "noise": given.noise}
        return Setup.of_circuit(given.training, solver, **parts)

    def trainer(
        self,
        data: "Dataset",
        solver: Solver,
        task: "Task",
        loop: "Callable[[], ClosedLoop] | None" = None,  # noqa: ARG002 - of chains
    ) -> "Trainer":
        """Return what trains the circuit on data, on a solver of it."""
        from hwsim.learning.trainer import Trainer  # noqa: PLC0415 - learning loads only for those who train

        return Trainer(self.experiment.training, data, solver, task=task, setup=self.setup(solver))

    @property
    def instruments(self) -> "Instruments":
        """What the circuit's voltages are read with, and what is noisy."""
        from hwsim.learning.readout import Instruments  # noqa: PLC0415 - learning loads only for those who test

        return Instruments.of(self.experiment.variation, self.experiment.noise)

    @property
    def reading(self) -> "ReadOut":
        """What reads the outputs."""
        return self.instruments

    def by_layer(self, solver: Solver, g: Weights, x: Floats, y: Floats) -> dict[str, float]:  # noqa: ARG002 - of chains
        """Return nothing: a circuit learns as a whole."""
        return {}

    @property
    def rule(self) -> "LearningRule":
        """The learning rule."""
        from hwsim.learning import rule_factory  # noqa: PLC0415 - learning loads only for those who learn

        return rule_factory.rule(self.experiment.training, self.circuit, self.instruments)

    def programming(self, precision: Precision) -> "Programming":
        """Return the way in which the devices' conductances are changed.

        Raises
        ------
        DeviceError
            When the device cannot be read.

        """
        from hwsim.learning import factory  # noqa: PLC0415 - learning loads only for those who program

        return factory.programming(self.experiment.device, self.experiment.variation, self.circuit, np.dtype(precision))

    def starting(self) -> dict[str, Floats]:
        """Return the conductances that training is to start from [S]."""
        from hwsim.learning.initial import starting  # noqa: PLC0415 - learning loads only for those who start from them

        return starting(self.chip, self.experiment.training, self.shown)

    def begun(self, g: Weights, precision: Precision) -> dict[str, Floats]:
        """Program conductances in a precision."""
        wanted = {name: values.astype(precision) for name, values in g.items()}
        parts, _ = self.programming(precision).begin(blocks.split(self.circuit, wanted))
        return {name: np.asarray(values, np.float64) for name, values in blocks.join(parts).items()}
