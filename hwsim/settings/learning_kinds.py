"""The kinds of learning rule, nudge, loss, optimizer and schedule, each a table with the keys of its kind."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, field_validator

from circuits.quoting import quoted
from circuits.units import Hertz, Siemens, Volt
from hwsim.settings.sections import Section

PositiveSiemens = Annotated[Siemens, Field(gt=0)]
PositiveVolt = Annotated[Volt, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]

Method = Literal["centred", "positive", "negative", "random-sign"]


class EquilibriumPropagationRule(Section):
    """Devices compare their squared drops under nudges of the outputs."""

    kind: Literal["equilibrium-propagation"] = "equilibrium-propagation"


class AdjointRule(Section):
    """The exact gradient by implicit differentiation."""

    kind: Literal["adjoint"] = "adjoint"


class CoupledLearningRule(Section):
    """The outputs are clamped a share of the way to their targets.

    Parameters
    ----------
    eta
        That share, 0 to 1.

    """

    kind: Literal["coupled-learning"] = "coupled-learning"
    eta: Annotated[float, Field(gt=0, le=1)] = 0.1


class SmallSignalRule(Section):
    """The limit of a vanishing nudge: the circuit linearised at its free state, driven by the error."""

    kind: Literal["small-signal"] = "small-signal"


class RichardsonRule(Section):
    """Equilibrium propagation at one nudge and at twice as much, of which the leading errors cancel."""

    kind: Literal["richardson"] = "richardson"


class HolomorphicRule(Section):
    """Nudges on a circle in the complex plane, which no circuit has: for comparison, by the numeric engine.

    Parameters
    ----------
    points
        Of the circle, an even number; the error falls as beta to this power.

    """

    kind: Literal["holomorphic"] = "holomorphic"
    points: Annotated[int, Field(ge=4, le=64, multiple_of=2)] = 6


class OscillatingRule(Section):
    """The nudge is a sine, and devices learn by a lock-in of their own voltage at its frequency.

    Parameters
    ----------
    frequency
        Of the sine [Hz], in a circuit with capacitors that is simulated in time; absent: so slow that it is at equilibrium at each moment.
    input_frequency
        Of the inputs [Hz], which are sines too, in a circuit without diodes: devices multiply what they read at both frequencies, whose
        ratio is that of whole numbers up to 8; absent: inputs are constant.

    """

    kind: Literal["oscillating"] = "oscillating"
    frequency: Annotated[Hertz, Field(gt=0, allow_inf_nan=False)] | None = None
    input_frequency: Annotated[Hertz, Field(gt=0, allow_inf_nan=False)] | None = None


RuleSettings = Annotated[
    EquilibriumPropagationRule | RichardsonRule | SmallSignalRule | OscillatingRule | HolomorphicRule | AdjointRule | CoupledLearningRule,
    Field(discriminator="kind"),
]


class FollowingNudge(Section):
    """A transconductance beta to the target: a current beta·(y − ŷ) that follows the outputs. For the squared error.

    Parameters
    ----------
    method
        Phases: `centred` (+beta and −beta), `positive`, `negative` or `random-sign`.
    beta
        Transconductance [S].

    """

    kind: Literal["following"] = "following"
    method: Method = "centred"
    beta: PositiveSiemens = 1e-6


class FrozenNudge(Section):
    """A current −beta·dC/dŷ, fixed at the error of the free phase. For any loss.

    Parameters
    ----------
    method
        Phases: `centred` (+beta and −beta), `positive`, `negative` or `random-sign`.
    beta
        Transconductance from the error to the current [S].

    """

    kind: Literal["frozen"] = "frozen"
    method: Method = "centred"
    beta: PositiveSiemens = 1e-6


class VoltsNudge(Section):
    """A frozen current that moves the outputs by a stated voltage, whatever the error: each sample has a beta of its own. For any loss.

    Parameters
    ----------
    method
        Phases: `centred` (up and down), `positive`, `negative` or `random-sign`.
    u
        By how much the output of the largest error is moved, about [V].

    """

    kind: Literal["volts"] = "volts"
    method: Method = "centred"
    u: PositiveVolt = 0.01


class LoadNudge(Section):
    """A load switched on from each output to ground, for a layer that learns by its goodness, the sum of its outputs' squares.

    Parameters
    ----------
    method
        Phases: `positive` (with the load and without), or `centred` (loads +kappa and −kappa, a negative resistance), `negative` or
        `random-sign`.
    kappa
        Conductance of the load [S]; a few per cent of what a column has.

    """

    kind: Literal["load"] = "load"
    method: Method = "positive"
    kappa: PositiveSiemens = 1e-6


NudgeSettings = Annotated[FollowingNudge | FrozenNudge | VoltsNudge, Field(discriminator="kind")]


class SquaredErrorLoss(Section):
    """½·Σ(y − ŷ)² [V²]."""

    kind: Literal["squared-error"] = "squared-error"


class CrossEntropyLoss(Section):
    """The cross-entropy of a softmax, times v_softmax², so that it is in V² too.

    Parameters
    ----------
    v_softmax
        Scale of the softmax: it sees ŷ/v_softmax [V].

    """

    kind: Literal["cross-entropy"] = "cross-entropy"
    v_softmax: PositiveVolt = 0.1


LossSettings = Annotated[SquaredErrorLoss | CrossEntropyLoss, Field(discriminator="kind")]


class SgdOptimizer(Section):
    """Plain gradient descent; rates in S²/V² (S/V² with coupled learning)."""

    kind: Literal["sgd"] = "sgd"


class MomentumOptimizer(Section):
    """Gradient descent with momentum; rates as of `sgd`.

    Parameters
    ----------
    momentum
        Share of the last step that is kept.

    """

    kind: Literal["momentum"] = "momentum"
    momentum: Share = 0.9


class AdamOptimizer(Section):
    """Adam; rates in S.

    Parameters
    ----------
    b1
        Share that is kept of the mean gradient.
    b2
        Share that is kept of the mean square of gradients.

    """

    kind: Literal["adam"] = "adam"
    b1: Share = 0.9
    b2: Share = 0.999


class SignOptimizer(Section):
    """Each conductance moves by its rate against the sign of the gradient, all that a comparator knows; rates in S."""

    kind: Literal["sign"] = "sign"


OptimizerSettings = Annotated[SgdOptimizer | MomentumOptimizer | AdamOptimizer | SignOptimizer, Field(discriminator="kind")]


class UpdateSettings(Section):
    """What an update computes in few bits, and which devices it reaches.

    Parameters
    ----------
    quantise
        The free voltages by which an update multiplies are rounded: to a power of two, up or down by chance so that the mean is right
        (`power-of-two`), to one of a number of values, in the same way (3 to 256), or to their `sign`. Differences between phases stay
        exact. Absent: nothing is rounded.
    probability
        Share of the devices, drawn for each update, that it changes: each device on a clock of its own.

    """

    quantise: Literal["power-of-two", "sign"] | Annotated[int, Field(ge=3, le=256)] | None = None
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0

    @property
    def drawn(self) -> bool:
        """Whether chance has a part in an update, of each chip by itself."""
        return self.quantise not in {None, "sign"} or self.probability < 1

    @field_validator("quantise", mode="wrap")
    @classmethod
    def _of_all_forms(cls, given: Any, check: ValidatorFunctionWrapHandler) -> Any:
        """Name all that it may be: a word or a number, of which pydantic's message names one."""
        try:
            return check(given)
        except ValidationError:
            msg = f"update.quantise = {quoted(given)}: should be 'power-of-two', 'sign' or a whole number from 3 to 256"
            raise ValueError(msg) from None


class ConstantSchedule(Section):
    """The rate stays."""

    kind: Literal["constant"] = "constant"


class ExponentialSchedule(Section):
    """The rate is multiplied by `decay` each epoch.

    Parameters
    ----------
    decay
        The factor.

    """

    kind: Literal["exponential"] = "exponential"
    decay: Annotated[float, Field(gt=0, le=1)] = 0.9


class CosineSchedule(Section):
    """The rate falls to 0 at the last epoch, along half a cosine."""

    kind: Literal["cosine"] = "cosine"


ScheduleSettings = Annotated[ConstantSchedule | ExponentialSchedule | CosineSchedule, Field(discriminator="kind")]
