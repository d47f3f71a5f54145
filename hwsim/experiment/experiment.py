"""Experiment: all that a run depends on, checked: circuit, data, training, solver."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from circuits.errors import CircuitError
from circuits.maps import Maps, image
from circuits.network import Network
from circuits.quoting import quote, quote_path
from hwsim.experiment.netlist_circuit import Netlist
from hwsim.files import stored_conductances
from hwsim.formatting import counted
from hwsim.settings import flat_training
from hwsim.settings.durations import spelled
from hwsim.settings.pretraining_settings import PretrainingStage
from hwsim.settings.sections import DataSettings, DeviceSettings, Reached, Section, SolverSettings
from hwsim.settings.training_settings import TrainingSettings
from hwsim.settings.validation_errors import FORMS, explain, too_large
from hwsim.settings.variation_settings import NoiseSettings, VariationSettings
from netlists.text.findings import NetlistError

__all__ = ["DataSettings", "DeviceSettings", "Experiment", "ExperimentError", "Reached", "SolverSettings", "TrainingSettings"]

KEYS = "hwsim keys"
"""The command that lists the keys of a section."""

SAMPLES = "samples.npz"
"""The samples of a run that learned from arrays, in its folder."""

RUN_FILE = "experiment.toml"
"""The experiment of a run, in its folder."""

BUILT_IN = {
    "xor": (2, 2),
    "iris": (4, 3),
    "wine": (13, 3),
    "breast-cancer": (30, 2),
    "digits": (64, 10),
    "mnist": (784, 10),
    "fashion-mnist": (784, 10),
    "cifar10": (3072, 10),
    "diabetes": (10, 1),
    "friedman": (10, 1),
    "linear-map": (5, 3),
}
"""Features of the data sets that have a name, and their classes or targets."""

IMAGES = {"digits": Maps(8, 8, 1), "mnist": Maps(28, 28, 1), "fashion-mnist": Maps(28, 28, 1), "cifar10": Maps(32, 32, 3)}
"""Those of them that are images: height, width and channels."""

REAL_TARGETS = {"diabetes", "friedman", "linear-map"}
"""Those of them that have real targets."""


class ExperimentError(ValueError):
    """An experiment that cannot be read or is wrong; the message names file, key, value and remedy.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.load("iris", {"training.epochs": 0})
    Traceback (most recent call last):
    hwsim.experiment.experiment.ExperimentError: settings training.epochs = 0: training.epochs = 0: should be greater than 0

    """


class SizesError(ExperimentError):
    """Data that do not fit a network: their numbers of features, and of classes or targets, are other ones."""

    def __init__(self, text: str, features: int, answers: int) -> None:
        self.features, self.answers = features, answers
        super().__init__(text)


def _form(given: Any) -> str:
    return FORMS[isinstance(given, Netlist) or (isinstance(given, dict) and "netlist" in given)]


class Experiment(Section):
    """One experiment, complete: the same experiment gives the same numbers.

    Parameters
    ----------
    name
        What the run's folder and the netlist are called; by default the file's name.
    about
        A line for people.
    circuit
        The network that is compiled to a circuit, or the netlist that is one.
    data, training, device, variation, noise, solver
        What it learns, how it learns, on which devices, on which chip, what is noisy there, and how it is solved.
    pretraining
        What its first layers learn before, stage by stage.
    reached
        What it is known to reach; nothing is computed from it.

    Examples
    --------
    >>> import hwsim as hw
    >>> net = hw.Network(inputs=4, layers=[hw.Layer(6)], outputs=3)
    >>> experiment = hw.Experiment(name="mine", circuit=net, data=hw.DataSettings(name="iris"))
    >>> experiment.name, experiment.training.engine, experiment.variation.stuck
    ('mine', 'numeric', None)

    """

    name: str = Field(default="experiment", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    about: str = ""
    circuit: Annotated[Annotated[Network, Tag(FORMS[0])] | Annotated[Netlist, Tag(FORMS[1])], Discriminator(_form)]
    data: DataSettings
    training: TrainingSettings = TrainingSettings()
    pretraining: tuple[PretrainingStage, ...] = ()
    device: DeviceSettings = DeviceSettings()
    variation: VariationSettings = VariationSettings()
    noise: NoiseSettings = NoiseSettings()
    solver: SolverSettings = SolverSettings()
    reached: Reached | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.circuit, Netlist):
            circuit = self.circuit.deck.circuit
            crossbars, outputs = len(circuit.trainable), len(circuit.outputs)
        else:
            crossbars, outputs = self.circuit.crossbars, self.circuit.outputs
            if self.training.init == "netlist":
                msg = "training.init = 'netlist' needs a netlist circuit, but this circuit is a network; use 'uniform' or 'log-uniform'"
                raise ValueError(msg)
        for key, given in (("rate", self.training.rates(crossbars)), ("g_init", self.training.initial_ranges(crossbars))):
            if len(given) != crossbars:
                msg = f"training.{key} has {len(given)} entries for {crossbars} crossbars; give one, or one a crossbar"
                raise ValueError(msg)
        if self.training.loss.kind == "cross-entropy" and outputs == 1 and self.data.task == "classification":
            msg = "training.loss.kind = 'cross-entropy' compares outputs and circuit.outputs is 1; use 'squared-error', or one a class"
            raise ValueError(msg)
        self._check_devices()
        self._check_task()
        if self.reached is not None and self.reached.test_error > (most := self.data.measure.most):
            msg = f"reached.test_error = {self.reached.test_error:g}: the share of wrong answers is at most {most:g}"
            raise ValueError(msg)
        return self

    def _check_devices(self) -> None:
        """Refuse spreads, drift and noise that nothing takes up."""
        for key in ("step", "asymmetry"):
            if getattr(self.variation, key) and self.device.preset is None:
                msg = (
                    f"variation.{key} spreads the steps of pulses, and without device.preset none are sent; name a preset, or leave it out"
                )
                raise ValueError(msg)
        if self.variation.after and self.device.preset is None:
            msg = (
                f"variation.after = {spelled(self.variation.after)} lets the memristors of device.preset drift, and there is none; "
                "name one, or leave it out"
            )
            raise ValueError(msg)
        if self.training.rule.kind == "holomorphic" and (self.noise.thermal or self.noise.shot):
            msg = "rule.kind = 'holomorphic' solves circuits without noise currents; set noise.thermal and noise.shot to false"
            raise ValueError(msg)

    def _check_task(self) -> None:
        """Refuse a loss that the task does not have, and a task that named data or the circuit do not fit."""
        if self.training.loss.kind == "cross-entropy" and self.data.task != "classification":
            msg = f"training.loss.kind = 'cross-entropy' needs classes, and targets of a {self.data.task} are real; use 'squared-error'"
            raise ValueError(msg)
        if self.data.name not in BUILT_IN:
            return
        name, task, real = self.data.name, self.data.task, self.data.name in REAL_TARGETS
        if real and task == "classification":
            msg = f"data.task = 'classification', and data {name} have real targets, not classes; set data.task to 'regression'"
            raise ValueError(msg)
        if not real and task == "regression":
            msg = f"data.task = 'regression', and data {name} have classes, not real targets; set data.task to 'classification'"
            raise ValueError(msg)
        if self.data.targets is not None:
            msg = f"data.targets names columns of a file, and data {name} have targets of their own; omit it"
            raise ValueError(msg)
        self.check_sizes(*BUILT_IN[name], IMAGES.get(name))

    @property
    def shown(self) -> Mapping[str, Any] | None:
        """The conductances that another training left, or that a netlist shows [S], by trainable element array; None where neither is.

        Raises
        ------
        WeightsError
            When those of `training.start` cannot be read.

        """
        if self.training.start is not None:
            return self._started(self.training.start)
        return self.circuit.deck.g if isinstance(self.circuit, Netlist) else None

    @property
    def fresh(self) -> Self:
        """The same experiment with memristors that have just been programmed."""
        return self.model_copy(update={"variation": self.variation.model_copy(update={"after": 0.0})})

    def refuse_age(self) -> None:
        """Refuse to train where memristors are to drift: drift comes after training.

        Raises
        ------
        ExperimentError
            Naming the command that evaluates a drifted chip.

        """
        if self.variation.after:
            msg = (
                f"variation.after = {spelled(self.variation.after)}: a chip drifts after training, not before; leave it out, then "
                "hwsim evaluate RUN --after TIME"
            )
            raise ExperimentError(msg)

    def refuse_pending(self) -> None:
        """Refuse to train what is to be pretrained first.

        Raises
        ------
        ExperimentError
            Naming the command that pretrains.

        """
        if self.pretraining and self.training.start is None:
            msg = (
                f"{self.name} is pretrained by hwsim train alone; start from what that left in its folder (training.start=RUN/start.npz, "
                "training.start_arrays), or set pretraining to []"
            )
            raise ExperimentError(msg)

    def _started(self, start: str) -> Mapping[str, Any]:
        """Return the conductances at 27 °C [S] that learning starts from; those of a run are those at its own temperature."""
        from hwsim.devices.temperature import at_temperature  # noqa: PLC0415 - only for those who start from learned conductances
        from hwsim.experiment.loading import load  # noqa: PLC0415 - it reads this class

        g, run = stored_conductances.read(start), stored_conductances.run_of(start)
        learned_at = load(run).variation if run and (run / RUN_FILE).is_file() else VariationSettings()
        return at_temperature(g, self.device, learned_at, VariationSettings())

    def check_sizes(self, features: int, answers: int, shown: Maps | None = None) -> None:
        """Refuse data that do not fit the circuit's inputs and outputs; `answers` are their classes, or real targets.

        `shown` are the images that the features are, where the data state it.

        Raises
        ------
        ExperimentError
            Naming the key to change.

        """
        data = quote_path(self.data.name)
        if self.data.moving:
            self.image(features, shown)
        if isinstance(self.circuit, Netlist):
            self._check_netlist(self.circuit, features, answers)
            return
        if self.circuit.inputs != features:
            differ = f"circuit.inputs = {self.circuit.inputs}, but data {data} have {features} features"
            msg = f"{differ}; set it to {features}, or choose other data"
            raise SizesError(msg, features, answers)
        if shown is not None and self.circuit.image is not None and self.circuit.maps[0] != shown:
            msg = f"circuit.image is {self.circuit.maps[0]}, and the images of data {data} are {shown}: set it to {list(shown)}"
            raise ExperimentError(msg)
        if not self._fits(self.circuit.outputs, features, answers):
            pair = answers == 2 and self.data.task == "classification"  # noqa: PLR2004 - a pair of classes also fits on one output
            right = "2, or 1" if pair else str(features if self.data.task == "reconstruction" else answers)
            msg = f"circuit.outputs = {self.circuit.outputs}, but data {data} have {self._counted(features, answers)}; set it to {right}"
            raise SizesError(msg, features, answers)

    def image(self, features: int, shown: Maps | None = None) -> Maps:
        """Return the images that the features of a sample are: those that the data state, else the circuit's, else square ones.

        Raises
        ------
        ExperimentError
            When there are none, naming what is to move them.

        """
        given = None if isinstance(self.circuit, Netlist) else self.circuit.image
        try:
            return image(features, given) if shown is None else shown
        except CircuitError:
            msg = f"data.{self.data.moving} moves images, and data {quote_path(self.data.name)} have {features} features, no square image"
            raise ExperimentError(f"{msg}; leave it out") from None

    def _fits(self, outputs: int, features: int, answers: int) -> bool:
        """Whether there is an output for each class, target or feature to reconstruct; one also holds two classes."""
        if self.data.task == "reconstruction":
            return outputs == features
        return outputs == answers or (self.data.task == "classification" and (outputs, answers) == (1, 2))

    def _counted(self, features: int, answers: int) -> str:
        """Return the number of classes, targets or features, with its noun."""
        match self.data.task:
            case "classification":
                return f"{answers} classes"
            case "regression":
                return counted(answers, "target")
            case "reconstruction":
                return f"{features} features to reconstruct"

    def _check_netlist(self, netlist: Netlist, features: int, answers: int) -> None:
        circuit, file, data = netlist.deck.circuit, quote(Path(netlist.netlist).name), quote_path(self.data.name)
        if circuit.input_count != features:
            msg = (
                f"circuit: {file} has sources for {counted(circuit.input_count, 'feature')}, but data {data} have {features}; "
                f"let `*hwsim: input` (or --inputs) name a source for each"
            )
            raise ExperimentError(msg)
        outputs = len(circuit.outputs)
        if not self._fits(outputs, features, answers):
            msg = (
                f"circuit: {file} has {counted(outputs, 'output')}, but data {data} have {self._counted(features, answers)}; "
                f"let `*hwsim: output` (or --outputs) name a pair of nodes for each"
            )
            raise ExperimentError(msg)


def make(table: dict[str, Any], where: str) -> Experiment:
    """Check nested tables of keys, and make them an experiment; `where` begins the messages.

    Raises
    ------
    ExperimentError, NetlistError
        Naming key, value and remedy.

    """
    if fault := too_large(table):
        msg = f"{where}: {fault}"
        raise ExperimentError(msg)
    try:
        table = table | ({"training": flat_training.tabled(table["training"])} if "training" in table else {})
    except ValueError as error:
        msg = f"{where}: training: {error}"
        raise ExperimentError(msg) from None
    try:
        return Experiment.model_validate(table)
    except ValidationError as error:
        causes = [detail.get("ctx", {}).get("error") for detail in error.errors()]
        netlist = next((cause for cause in causes if isinstance(cause, NetlistError)), None)
        if netlist is not None:
            raise netlist from None
        msg = f"{where}: {explain(error, table, Experiment, KEYS)}"
        sizes = next((cause for cause in causes if isinstance(cause, SizesError)), None)
        raise (ExperimentError(msg) if sizes is None else SizesError(msg, sizes.features, sizes.answers)) from None
