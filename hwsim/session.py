"""Session: an experiment made real, once: its circuit, its chip and its data, and the solvers, trainers and tests of them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.quoting import quoted
from hwsim.core import blocks
from hwsim.core.protocol import Capability, Solver
from hwsim.devices import manufacture
from hwsim.experiment.engines import make_engine
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.netlist_circuit import SHOWN, Netlist
from hwsim.files.raw import DataError
from hwsim.settings.sections import Precision
from hwsim.settings.variation_settings import VariationSettings
from hwsim.typing import Array, Conductances, Floats, Weights

if TYPE_CHECKING:
    from hwsim.devices.programming.programming import Programming
    from hwsim.learning.dataset import Dataset
    from hwsim.learning.evaluate import Evaluation
    from hwsim.learning.readout import Instruments
    from hwsim.learning.rules.estimator import LearningRule
    from hwsim.learning.task import Targets, Task
    from hwsim.learning.trainer import Trainer


class _Source:
    """Where an experiment's data come from, read when they are first asked for, and the task that stands in place of its own."""

    def __init__(
        self,
        experiment: Experiment,
        circuit: Circuit,
        data: "Dataset | None" = None,
        run: str | None = None,
        task: "Task | None" = None,
    ) -> None:
        self._experiment, self._circuit, self._converted = experiment, circuit, dict[Any, "Dataset"]()
        self.run, self.task, self.given = run, task, data is not None or task is not None
        if data is not None:
            self.data = data

    @cached_property
    def data(self) -> "Dataset":
        """The data as they are, before any converter."""
        from hwsim.data.loading import load_data  # noqa: PLC0415 - the readers load only for those who read data

        return load_data(self._experiment, self.run)

    def converted(self, variation: VariationSettings) -> "Dataset":
        """Return the data as the inputs' converters of a chip drive them, once for each kind of converter."""
        from hwsim.data.input_converters import driven  # noqa: PLC0415 - as above

        kind = variation.dac_bits, variation.dac_full_scale
        if kind not in self._converted:
            self._converted[kind] = driven(self.data, self._circuit, variation)
        return self._converted[kind]


@dataclass(frozen=True)
class Session:
    """An experiment made real.

    Whatever trains, tests, times or describes an experiment takes it from here, so that no section of it can be left out: a key that
    changes a training changes a trial, a sweep, a benchmark and a report alike. Chip and data are made when they are first asked for.

    Examples
    --------
    >>> import hwsim as hw
    >>> session = hw.Session.of(hw.load("xor"))
    >>> g = session.begun()  # initial conductances [S]
    >>> with session.solver() as solver:
    ...     equilibrium = solver.solve(g, hw.Drive(session.data.x_test))
    >>> equilibrium.outputs(session.circuit).shape
    (4, 1)

    """

    experiment: Experiment
    circuit: Circuit
    source: _Source

    @classmethod
    def of(cls, experiment: Experiment, data: "Dataset | None" = None, run: str | None = None, task: "Task | None" = None) -> Self:
        """Compile an experiment's circuit; `data` and `task` stand in place of those that the experiment names.

        `run` is the folder of the run whose conductances are used: data of which it may have learnt what they hold for testing are refused.

        Raises
        ------
        CircuitError
            When the circuit is wrong.
        DeviceError
            When there is no such device, which is looked for first.

        """
        if experiment.device.preset is not None:
            from hwsim.devices.kinds import presets  # noqa: PLC0415 - presets load only where one is named

            presets.load(experiment.device.preset)
        circuit = experiment.circuit.compile(experiment.name)
        return cls(experiment, circuit, _Source(experiment, circuit, data, run, task))

    def changed(self, section: str, **values: Any) -> Self:
        """Return the session with other values of one section of the experiment, with the same data."""
        settings = getattr(self.experiment, section).model_copy(update=values)
        return replace(self, experiment=self.experiment.model_copy(update={section: settings}))

    def on_chip(self, number: int) -> Self:
        """Return the session on the chip of this number."""
        return self.changed("variation", chip=number)

    def seeded(self, seed: int) -> Self:
        """Return the session with another seed, which may also divide the data; data or a task in place of the experiment's stay."""
        other = self.changed("training", seed=seed)
        return other if self.source.given else replace(other, source=_Source(other.experiment, self.circuit, run=self.source.run))

    @property
    def fresh(self) -> Self:
        """The session with memristors that have just been programmed: the one that trains."""
        return self.changed("variation", after=0.0)

    @property
    def nominal(self) -> Self:
        """The session on the chip that is as designed, with the same data."""
        without = self.changed("device", spread=False)
        return replace(without, experiment=without.experiment.model_copy(update={"variation": self.experiment.variation.nominal}))

    @cached_property
    def chip(self) -> Chip:
        """The manufactured chip that the experiment names.

        Raises
        ------
        DeviceError, CircuitError
            As `manufacture.draw`.

        """
        return manufacture.draw(self.circuit, self.experiment.variation, self.experiment.device)

    def alike(self, *, learning: bool) -> bool:
        """Whether all chips of the experiment are one, where they are `learning` or only tested."""
        return manufacture.alike(self.circuit, self.experiment.variation, self.experiment.device, self.experiment.noise, learning=learning)

    @property
    def data(self) -> "Dataset":
        """The training set and the test set, rounded by the inputs' converters, where the chip has some.

        Raises
        ------
        DataError, ExperimentError
            As `load_data`.
        CircuitError
            As `driven`.

        """
        return self.source.converted(self.experiment.variation)

    @property
    def learnable(self) -> "Dataset":
        """The data; the lone sample that a netlist shows is refused: it has no class.

        Raises
        ------
        DataError, ExperimentError
            As `load_data`, and for that sample.

        """
        if self.experiment.data.name == SHOWN and isinstance(self.experiment.circuit, Netlist):
            msg = f"{self.experiment.name}: a netlist has no data to learn; give a data set's name or a file, as in --data my.csv"
            raise DataError(msg)
        return self.data

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know about a training on the data, a line each."""
        batch, samples = self.experiment.training.batch, len(self.learnable.x_train)
        all_at_once = f"training.batch = {quoted(batch)}: there are {samples} training samples, and each update takes them all"
        cut = self.initial_cut
        return (*self.learnable.notes, *([all_at_once] if batch > samples else []), *([cut] if cut else []))

    @property
    def initial_cut(self) -> str:
        """Which initial conductances the circuit's devices cannot have, in a line; empty where they have all, or these were learned."""
        from hwsim.learning.initial import initial_cut  # noqa: PLC0415 - learning loads only for those who start from them

        return initial_cut(self.circuit, self.experiment.training, self.experiment.shown)

    def solver(self, precision: Precision = "float64") -> Solver:
        """Prepare the experiment's engine for its circuit on its chip; the caller closes it.

        Raises
        ------
        UnsupportedCircuitError, ValueError
            When the engine does not solve such circuits, or not in this precision.

        """
        training = self.experiment.training
        return make_engine(training.engine, self.experiment.solver, precision).prepare(self.circuit, self.chip)

    def training_solver(self) -> Solver:
        """Prepare the solver that training uses, in the training's precision."""
        return self.solver(self.experiment.training.precision)

    def verified_solver(self) -> Solver:
        """Prepare the solver of reported numbers: in 64 bits, and every equilibrium is verified by Kirchhoff's law.

        The ngspice engine, and the numeric one for circuits without layers, do that anyway.
        """
        solver = self.solver()
        if Capability.VERIFIED in solver.capabilities:
            return solver
        from hwsim.core.verified import CertifiedSolver  # noqa: PLC0415 - only for the numeric engine

        return CertifiedSolver(solver, self.experiment.solver.tolerance)

    def trainer(self, solver: Solver) -> "Trainer":
        """Return the trainer of the experiment, on a solver of its circuit and chip."""
        from hwsim.learning.trainer import Trainer  # noqa: PLC0415 - learning loads only for those who train

        self.experiment.refuse_pending()
        given = self.experiment
        return Trainer(
            given.training,
            self.data,
            solver,
            task=self.task,
            device=given.device,
            shown=given.shown,
            variation=given.variation,
            noise=given.noise,
        )

    @property
    def readout(self) -> "Instruments":
        """What the circuit's voltages are read with, and what is noisy."""
        from hwsim.learning.readout import Instruments  # noqa: PLC0415 - learning loads only for those who test

        return Instruments.of(self.experiment.variation, self.experiment.noise)

    @property
    def rule(self) -> "LearningRule":
        """The learning rule, and what it reads voltages with."""
        from hwsim.learning import factory  # noqa: PLC0415 - learning loads only for those who learn

        return factory.rule(self.experiment.training, self.circuit, self.readout)

    @property
    def task(self) -> "Task":
        """What is learned of the data.

        Raises
        ------
        DataError, ExperimentError
            As `load_data`, and when the circuit's outputs do not fit the classes.

        """
        from hwsim.learning import factory  # noqa: PLC0415 - learning loads only for those who learn or test

        return self.source.task or factory.task(self.experiment.training, self.circuit, self.data)

    def evaluate(self, solver: Solver, g: Conductances, x: Array, targets: "Targets") -> "Evaluation":
        """Evaluate samples x (n, I) by their targets, with the experiment's read-out, noise and seed.

        Raises
        ------
        ConvergenceError
            When a sample does not settle, and the experiment does not skip such samples.

        """
        from hwsim.learning import evaluate  # noqa: PLC0415 - learning loads only for those who test
        from hwsim.learning.skipping import Skipping  # noqa: PLC0415

        training, chip = self.experiment.training, self.experiment.variation.chip
        lenient = Skipping(solver) if training.skip_failed else solver
        seed = evaluate.noise_seed(training.seed, chip)
        return evaluate.evaluate(lenient, g, x, targets, self.readout, seed)

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
        """Return the conductances that training is to start from, at the chip's temperature [S], before its devices limit them."""
        from hwsim.learning.initial import starting  # noqa: PLC0415 - learning loads only for those who start from them

        return starting(self.chip, self.experiment.training, self.experiment.shown)

    def programmed(self, g: Weights) -> Weights:
        """Return the conductances that the chip's devices have, programmed to `g` at its temperature, and drifted since then [S]."""
        from hwsim.learning.initial import within  # noqa: PLC0415 - learning loads only for those who program

        return within(self.chip, self._begun(g, "float64"))

    def begun(self) -> Weights:
        """Return the conductances that training begins with [S]: within the devices' bounds, rounded, programmed."""
        from hwsim.learning.initial import within  # noqa: PLC0415 - learning loads only for those who start from them

        return self._begun(within(self.chip, self.starting()), self.experiment.training.precision)

    def _begun(self, g: Weights, precision: Precision) -> dict[str, Floats]:
        """Program conductances in a precision."""
        wanted = {name: values.astype(precision) for name, values in g.items()}
        parts, _ = self.programming(precision).begin(blocks.split(self.circuit, wanted))
        return {name: np.asarray(values, np.float64) for name, values in blocks.join(parts).items()}
