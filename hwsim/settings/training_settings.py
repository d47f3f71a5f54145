"""How conductances learn: the section `training` of an experiment file."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from circuits.quoting import quoted
from circuits.units import Volt
from hwsim.settings.common_period import cycles
from hwsim.settings.engine_names import EngineName
from hwsim.settings.flat_training import tabled
from hwsim.settings.learning_kinds import (
    AdamOptimizer,
    ConstantSchedule,
    EquilibriumPropagationRule,
    FollowingNudge,
    LossSettings,
    NudgeSettings,
    OptimizerSettings,
    OscillatingRule,
    PositiveSiemens,
    RuleSettings,
    ScheduleSettings,
    SquaredErrorLoss,
    UpdateSettings,
)
from hwsim.settings.propagation_kinds import EndToEnd, PropagationSettings
from hwsim.settings.sections import Precision, Section

Range = tuple[PositiveSiemens, PositiveSiemens]


class TrainingSettings(Section):
    """How the conductances learn.

    Parameters
    ----------
    engine
        `numeric` or `ngspice`: what solves the circuit.
    rule
        How a batch becomes a gradient.
    nudge
        What nudges the outputs; where it is absent, or names no kind: `following` for the squared error, `frozen` for other losses.
    loss
        What is minimised.
    target_low
        What an output is drawn to for another class than its own [V].
    target_high
        What an output is drawn to for its own class [V].
    output_copies
        Outputs of each class, next to each other: it is read as their mean. A nudge can flip some of them where they are binary.
    optimizer
        How a gradient becomes a step.
    rate
        Step size, one number or one a crossbar; its unit is the optimizer's.
    propagation
        In a chain of blocks: how each block gets the error that it learns from.
    update
        What an update computes in few bits, and which devices it reaches.
    skip_failed
        Learn nothing from samples that do not settle, and count them, instead of stopping.
    schedule
        How the step size changes from epoch to epoch.
    epochs
        Passes over the training set.
    batch
        Samples an update; all of them where there are no more.
    seed
        Where every random stream starts: split, order, initial conductances, random signs.
    precision
        `float32` or `float64` while training; what is reported is always solved in 64 bits.
    g_init
        Initial conductances lie between these two [S]; one pair, or one a crossbar.
    init
        `uniform` or `log-uniform` between them, or `netlist`: the netlist's values.
    start
        A run's folder, or an `.npz` file, whose conductances learning starts from instead; `init` and `g_init` then mean nothing.
    start_arrays
        Names of the arrays that start with those, `["w1"]`, while the others are drawn by `init` and `g_init`; absent: all do.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.TrainingSettings(epochs=3, rate=1e-6).engine
    'numeric'

    """

    engine: EngineName = "numeric"
    rule: RuleSettings = EquilibriumPropagationRule()
    nudge: NudgeSettings = FollowingNudge()
    loss: LossSettings = SquaredErrorLoss()
    target_low: Volt = 0.0
    target_high: Volt = 0.1
    output_copies: PositiveInt = 1
    optimizer: OptimizerSettings = AdamOptimizer()
    rate: NonNegativeFloat | tuple[NonNegativeFloat, ...] = 1e-6
    propagation: PropagationSettings = EndToEnd()
    update: UpdateSettings = UpdateSettings()
    skip_failed: bool = False
    schedule: ScheduleSettings = ConstantSchedule()
    epochs: PositiveInt = 20
    batch: PositiveInt = 16
    seed: NonNegativeInt = 0
    precision: Precision = "float64"
    g_init: Range | tuple[Range, ...] = (1e-6, 2e-5)
    init: Literal["uniform", "log-uniform", "netlist"] = "uniform"
    start: Annotated[str, Field(min_length=1)] | None = None
    start_arrays: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _tabled(cls, given: Any) -> Any:
        return tabled(given)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.target_low < self.target_high:
            msg = f"target_low = {self.target_low:g} V must be below target_high = {self.target_high:g} V"
            raise ValueError(msg)
        for low, high in self.initial_ranges():
            if low > high:
                msg = f"g_init: its lower end {low:g} S is above its upper end {high:g} S; swap them"
                raise ValueError(msg)
        if self.start_arrays is not None and self.start is None:
            msg = f"start_arrays = {quoted(list(self.start_arrays))} takes conductances from training.start, which is absent; set it too"
            raise ValueError(msg)
        if self.engine == "ngspice" and self.precision == "float32":
            msg = "precision = 'float32' is the numeric engine's; ngspice computes in 64 bits: set precision to 'float64'"
            raise ValueError(msg)
        self._check_rule()
        if self.nudge.kind == "following" and self.loss.kind != "squared-error":
            msg = f"nudge.kind = 'following' is that of the squared error, and loss.kind = '{self.loss.kind}'; set nudge.kind to 'frozen'"
            raise ValueError(msg)
        return self

    def _check_rule(self) -> None:
        """Refuse what a rule is not able to do."""
        if self.engine == "ngspice" and self.rule.kind in {"adjoint", "holomorphic"}:
            msg = f"rule.kind = '{self.rule.kind}' is the numeric engine's; with ngspice use 'equilibrium-propagation'"
            raise ValueError(msg)
        if self.rule.kind == "holomorphic" and self.update.quantise is not None:
            msg = f"update.quantise = {self.update.quantise!r} rounds real voltages, and rule.kind = 'holomorphic'; leave it out"
            raise ValueError(msg)
        if self.rule.kind == "holomorphic" and self.nudge.kind == "volts":
            msg = "nudge.kind = 'volts' is one of real voltages, and rule.kind = 'holomorphic'; set nudge.kind to 'frozen'"
            raise ValueError(msg)
        if self.rule.kind == "oscillating":
            self._check_oscillating(self.rule)

    def _check_oscillating(self, rule: OscillatingRule) -> None:
        """Refuse nudges of one side, and at a frequency those that follow the outputs."""
        if self.nudge.method != "centred":
            msg = f"nudge.method = {self.nudge.method!r} is one of constant nudges, and rule.kind = 'oscillating'; set it to 'centred'"
            raise ValueError(msg)
        if rule.frequency is not None and self.nudge.kind == "following":
            msg = f"rule.frequency = {rule.frequency:g} Hz is that of a current; set nudge.kind to 'frozen' or 'volts', not 'following'"
            raise ValueError(msg)
        if rule.input_frequency is not None:
            if rule.frequency is None:
                msg = f"rule.input_frequency = {rule.input_frequency:g} Hz is that of inputs in time; set rule.frequency, the error's, too"
                raise ValueError(msg)
            try:
                cycles(rule.input_frequency, rule.frequency)
            except ValueError as error:
                msg = f"rule.{error}"
                raise ValueError(msg) from None

    def initial_ranges(self, crossbars: int = 1) -> tuple[Range, ...]:
        """Return the range of initial conductances of each crossbar [S]; one that was given for all is repeated."""
        match self.g_init:
            case (float() as low, float() as high):
                return ((low, high),) * crossbars
            case ranges:
                return ranges

    def started(self, name: str) -> bool:
        """Whether an array starts with the conductances that `start` names."""
        return self.start is not None and (self.start_arrays is None or name in self.start_arrays)

    def rates(self, crossbars: int) -> tuple[float, ...]:
        """Return the step size of each crossbar; one that was given for all is repeated."""
        return self.rate if isinstance(self.rate, tuple) else (self.rate,) * crossbars
