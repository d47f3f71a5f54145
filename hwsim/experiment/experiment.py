"""Experiment: all that a run depends on, checked: circuit, data, training, solver."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, ValidationError, field_validator, model_validator

from circuits.network import Network
from hwsim.experiment.experiment_checks import KEYS, check
from hwsim.experiment.experiment_errors import ExperimentError, SizesError
from hwsim.experiment.netlist_circuit import Netlist
from hwsim.experiment.reservoir_section import ReservoirSection
from hwsim.files import stored_conductances
from hwsim.settings import flat_training
from hwsim.settings.block_settings import READ, BlockSettings, CrossbarRange, DigitalBlock, prefix_of, shapes
from hwsim.settings.circuit_block import CircuitBlock
from hwsim.settings.company_settings import CompanySettings
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.durations import spelled
from hwsim.settings.energy_settings import EnergySettings
from hwsim.settings.pretraining_settings import PretrainingStage
from hwsim.settings.propagation_kinds import EndToEnd
from hwsim.settings.reservoir_settings import ReservoirSettings
from hwsim.settings.sections import DataSettings, Reached, Section, SolverSettings
from hwsim.settings.training_settings import TrainingSettings
from hwsim.settings.validation_errors import FORMS, explain, too_large
from hwsim.settings.variation_settings import NoiseSettings, VariationSettings
from netlists.text.findings import NetlistError

__all__ = ["KEYS", "DataSettings", "DeviceSettings", "Experiment", "ExperimentError", "Reached", "SolverSettings", "TrainingSettings"]

SAMPLES = "samples.npz"
"""The samples of a run that learned from arrays, in its folder."""

RUN_FILE = "experiment.toml"
"""The experiment of a run, in its folder."""


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
        The network that is compiled to a circuit, or the netlist that is one; absent where there are blocks.
    blocks
        A chain instead of one circuit: circuits and digital layers, each driven by what the one before makes.
    reservoir
        A recurrent circuit that the data drive, and whose states the circuit or the blocks read.
    data, training, device, variation, noise, solver
        What it learns, how it learns, on which devices, on which chip, what is noisy there, and how it is solved.
    pretraining
        What its first layers learn before, stage by stage.
    energy
        What amplifiers and converters take.
    company
        Chips that learn together, instead of one.
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
    circuit: Annotated[Annotated[Network, Tag(FORMS[0])] | Annotated[Netlist, Tag(FORMS[1])], Discriminator(_form)] | None = None
    reservoir: ReservoirSection | None = None
    data: DataSettings
    training: TrainingSettings = TrainingSettings()
    pretraining: tuple[PretrainingStage, ...] = ()
    device: DeviceSettings = DeviceSettings()
    variation: VariationSettings = VariationSettings()
    noise: NoiseSettings = NoiseSettings()
    solver: SolverSettings = SolverSettings()
    energy: EnergySettings = EnergySettings()
    company: CompanySettings | None = None
    reached: Reached | None = None
    blocks: Annotated[tuple[BlockSettings, ...], Field(min_length=1)] | None = None

    @field_validator("reservoir", mode="before")
    @classmethod
    def _drawn(cls, given: Any) -> Any:
        """Take settings of a drawn reservoir."""
        plain = isinstance(given, ReservoirSettings) and not isinstance(given, ReservoirSection)
        return given.model_dump(exclude_unset=True) if plain else given

    @model_validator(mode="after")
    def _check(self) -> Self:
        check(self)
        return self

    @property
    def states(self) -> tuple[int] | None:
        """Features that a reservoir makes of a sample; None without one."""
        return None if self.reservoir is None else (self.reservoir.features,)

    @property
    def devices(self) -> tuple[DeviceSettings, ...]:
        """What the memristors are: of a chain, of each of its circuits."""
        circuits = [block for block in self.blocks or () if isinstance(block, CircuitBlock)]
        return tuple(block.device or self.device for block in circuits) or (self.device,)

    @property
    def crossbar(self) -> CrossbarRange | None:
        """What the devices of the one block may have, a dense layer, where [device] describes memristors; None: it is digital."""
        blocks = self.blocks or ()
        if len(blocks) != 1 or not isinstance(blocks[0], DigitalBlock) or not blocks[0].lone_dense or not self.device.programmed:
            return None
        of = self.reservoir or ReservoirSection()
        return CrossbarRange(of.g_low, of.g_high, of.v_bias)

    @property
    def rules(self) -> str:
        """The learning rule; of a chain, how errors get to its blocks, if not end to end, their rules, and that of digital layers."""
        propagation = self.training.propagation
        kinds = [] if propagation == EndToEnd() else [str(propagation.kind)]
        kinds += [block.rule.kind if isinstance(block, CircuitBlock) else block.learning for block in self.blocks or ()]
        return ", ".join(dict.fromkeys(kinds)) or self.training.rule.kind

    @property
    def one_circuit(self) -> Network | Netlist:
        """The circuit; a chain is refused.

        Raises
        ------
        ExperimentError
            Naming what takes a chain.

        """
        if self.circuit is None:
            msg = (
                f"{self.name}: this is for one circuit, and the experiment is a chain of {len(self.blocks or ())} blocks; name one circuit"
            )
            raise ExperimentError(msg)
        return self.circuit

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks, of one circuit or of a chain; a netlist is none."""
        if self.blocks is not None:
            return tuple(block.circuit for block in self.blocks if isinstance(block, CircuitBlock))
        return () if self.circuit is None or isinstance(self.circuit, Netlist) else (self.circuit,)

    @property
    def inputs_and_outputs(self) -> tuple[int, int]:
        """How many numbers a network or a chain takes, and how many it makes."""
        if self.blocks is not None:
            ends = shapes(self.blocks, self.states)
            taken, made = math.prod(ends[0][0]), math.prod(ends[-1][1])
            return taken - made * self.training.propagation.local, made
        network = self.one_circuit
        if isinstance(network, Netlist):
            return network.deck.circuit.input_count, len(network.deck.circuit.outputs)
        return network.inputs, network.outputs

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
        """Refuse to train, as one circuit, what is to be pretrained first, or learns in company.

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
        if self.company is not None:
            others = ", sweep and tune" if self.reservoir is None else ""
            msg = f"{self.name}: chips in company are trained by hwsim train{others} alone; omit company"
            raise ExperimentError(msg)

    def _started(self, start: str) -> Mapping[str, Any]:
        """Return the conductances at 27 °C [S] that learning starts from; those of a run are those at its own temperature."""
        from hwsim.experiment.loading import load  # noqa: PLC0415 - it reads this class

        g, run = stored_conductances.read(start), stored_conductances.run_of(start)
        learned_at = load(run).variation if run and (run / RUN_FILE).is_file() else VariationSettings()
        return self.at_temperature(g, learned_at, VariationSettings())

    def at_temperature(self, g: Mapping[str, Any], was: VariationSettings, now: VariationSettings) -> Mapping[str, Any]:
        """Return the conductances [S] that devices which had `g` at the temperature of one section have at that of another."""
        from hwsim.devices.temperature import at_temperature  # noqa: PLC0415 - only for those who start from learned conductances

        if self.blocks is None:
            return at_temperature(g, self.device, was, now)
        heated = dict(g)
        for k, block in enumerate(self.blocks):
            if isinstance(block, CircuitBlock):
                of_block = {name: values for name, values in g.items() if name.startswith(prefix_of(k))}
                heated |= at_temperature(of_block, block.device or self.device, was, now)
            elif self.crossbar is not None:
                heated |= at_temperature({name: g[name] for name in g if name == f"{prefix_of(k)}{READ}"}, self.device, was, now)
        return heated


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
