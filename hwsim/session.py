"""Session: an experiment made real, once: its circuit, its chip and its data, and the solvers, trainers and tests of them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.quoting import quoted
from hwsim.chains.compiling import compiled, made
from hwsim.chains.data_source import DataSource
from hwsim.chains.made import Made, OneCircuit
from hwsim.core.protocol import Solver
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.netlist_circuit import SHOWN, Netlist
from hwsim.files.raw import DataError
from hwsim.settings.sections import Precision
from hwsim.typing import Array, Conductances, Floats, Weights

if TYPE_CHECKING:
    from hwsim.devices.programming.programming import Programming
    from hwsim.learning.dataset import Dataset
    from hwsim.learning.evaluate import Evaluation
    from hwsim.learning.readout import Instruments, ReadOut
    from hwsim.learning.rules.estimator import LearningRule
    from hwsim.learning.targets import Targets
    from hwsim.learning.task import Task
    from hwsim.learning.trainer import Trainer
    from hwsim.reservoir.loop import ClosedLoop
    from hwsim.reservoir.reservoir import Reservoir


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
    source: DataSource

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
        presets_named = [device.preset for device in experiment.devices if device.preset is not None]
        if presets_named:
            from hwsim.devices.kinds import presets  # noqa: PLC0415 - presets load only where one is named

            for preset in presets_named:
                presets.load(preset)
        circuit = compiled(experiment)
        return cls(experiment, circuit, DataSource(experiment, circuit, data, run, task))

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
        return other if self.source.given else replace(other, source=DataSource(other.experiment, self.circuit, run=self.source.run))

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
    def made(self) -> Made:
        """What the circuit becomes by the experiment."""
        return made(self.experiment, self.circuit)

    @property
    def chip(self) -> Chip:
        """The manufactured chip that the experiment names.

        Raises
        ------
        DeviceError, CircuitError
            As `manufacture.draw`.

        """
        return self.made.chip

    @property
    def one(self) -> OneCircuit:
        """The experiment's one circuit.

        Raises
        ------
        ExperimentError
            When it is a chain.

        """
        _ = self.experiment.one_circuit
        return OneCircuit(self.experiment, self.circuit)

    def alike(self, *, learning: bool) -> bool:
        """Whether all chips of the experiment are one, where they are `learning` or only tested."""
        spread = self.experiment.reservoir is not None and not self.source.reservoir(self.experiment.variation).alike
        return not spread and self.made.alike(learning=learning)

    @property
    def inputs_alone_error(self) -> float | None:
        """The error on the test set of ridge regression on the inputs that drive a reservoir; None without one."""
        return self.source.inputs_alone_error

    @property
    def reservoir(self) -> "Reservoir":
        """The reservoir in front of the circuit.

        Raises
        ------
        ExperimentError
            When there is none.

        """
        return self.source.reservoir(self.experiment.variation)

    @property
    def loop(self) -> "ClosedLoop":
        """The reservoir, driven by its read-out's outputs: of series whose targets are the inputs of the next row.

        Raises
        ------
        ExperimentError
            When there is no reservoir, or its data are no series with real targets.
        CircuitError
            When targets are not the next inputs.

        """
        return self.source.loop(self.experiment.variation, self.task)

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
        idle = dict.fromkeys(device.idle for device in self.experiment.devices)
        return (*self.learnable.notes, *([all_at_once] if batch > samples else []), *filter(None, (self.initial_cut, *idle)))

    @property
    def initial_cut(self) -> str:
        """Which initial conductances the circuit's devices cannot have, in a line; empty where they have all, or these were learned."""
        return self.made.initial_cut

    def solver(self, precision: Precision = "float64") -> Solver:
        """Prepare the experiment's engine for its circuit on its chip; the caller closes it.

        Raises
        ------
        UnsupportedCircuitError, ValueError
            When the engine does not solve such circuits, or not in this precision.

        """
        return self.made.solver(precision)

    def training_solver(self) -> Solver:
        """Prepare the solver that training uses, in the training's precision."""
        return self.solver(self.experiment.training.precision)

    def verified_solver(self) -> Solver:
        """Prepare the solver of reported numbers: in 64 bits, and every equilibrium is verified by Kirchhoff's law.

        The ngspice engine, and the numeric one for circuits without layers, do that anyway.
        """
        return self.made.verified_solver()

    def trainer(self, solver: Solver) -> "Trainer":
        """Return the trainer of the experiment, on a solver of its circuit and chip."""
        self.experiment.refuse_pending()
        return self.made.trainer(self.data, solver, self.task, lambda: self.loop)

    @property
    def readout(self) -> "Instruments":
        """What the voltages of one circuit are read with, and what is noisy."""
        return self.one.instruments

    @property
    def reading(self) -> "ReadOut":
        """What reads the outputs."""
        return self.made.reading

    @property
    def rule(self) -> "LearningRule":
        """The learning rule, and what it reads voltages with."""
        return self.made.rule

    @property
    def task(self) -> "Task":
        """What is learned of the data.

        Raises
        ------
        DataError, ExperimentError
            As `load_data`, and when the circuit's outputs do not fit the classes.

        """
        from hwsim.learning import factory  # noqa: PLC0415 - learning loads only for those who learn or test

        return self.source.task or factory.task(
            self.experiment.training, self.circuit, self.data, relative=self.experiment.data.error == "nrmse"
        )

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
        lenient = solver.wrapped(Skipping) if training.skip_failed else solver
        seed = evaluate.noise_seed(training.seed, chip)
        return evaluate.evaluate(lenient, g, x, targets, self.reading, seed)

    def programming(self, precision: Precision) -> "Programming":
        """Return the way in which the devices' conductances are changed.

        Raises
        ------
        DeviceError
            When the device cannot be read.

        """
        return self.made.programming(precision)

    def starting(self) -> dict[str, Floats]:
        """Return the conductances that training is to start from, at the chip's temperature [S], before its devices limit them."""
        return self.made.starting()

    def programmed(self, g: Weights) -> Weights:
        """Return the conductances that the chip's devices have, programmed to `g` at its temperature, and drifted since then [S]."""
        from hwsim.learning.initial import within  # noqa: PLC0415 - learning loads only for those who program

        return within(self.chip, self.made.begun(g, "float64"))

    def begun(self) -> Weights:
        """Return the conductances that training begins with [S]: within the devices' bounds, rounded, programmed."""
        from hwsim.learning.initial import within  # noqa: PLC0415 - learning loads only for those who start from them

        return self.made.begun(within(self.chip, self.starting()), self.experiment.training.precision)
