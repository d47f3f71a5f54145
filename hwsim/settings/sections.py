"""The sections of an experiment file: every key, its unit, its default and what it may be."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from circuits.units import Byte, PerKelvin, Second, Siemens, Volt
from hwsim.formatting import NRMSE, RMSE, RMSE_IN_VOLTS, WRONG_ANSWERS, Measure

PositiveSiemens = Annotated[Siemens, Field(gt=0)]
PositiveVolt = Annotated[Volt, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Coefficient = Annotated[PerKelvin, Field(ge=-1, le=1)]
Range = tuple[PositiveSiemens, PositiveSiemens]

Precision = Literal["float32", "float64"]
TaskName = Literal["classification", "regression", "reconstruction"]
TargetScaling = Literal["none", "minmax", "standard"]


class Section(BaseModel):
    """A part of an experiment: frozen, and no key that it does not know.

    What checks it is made when one is first made by itself: most are made as a piece of what contains them, if at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    def _refuse_idle(self, choice: str, needed: dict[str, set[str]]) -> None:
        """Refuse keys that change nothing where another key is not what they are about."""
        chosen = getattr(self, choice)
        for key, kinds in needed.items():
            if chosen not in kinds and (value := getattr(self, key)) != type(self).model_fields[key].default:
                wanted = " or ".join(f"{kind!r}" for kind in sorted(kinds))
                msg = f"{key} = {value!r} does nothing with {choice} = {chosen!r}; omit it, or set {choice} to {wanted}"
                raise ValueError(msg)


USUAL_TEST_SHARE = 0.2
"""Share of each class that is held out where none is named; run folders of earlier versions name it."""


class DataSettings(Section):
    """What is learnt, and how features become numbers that the circuit's `input_scale` turns into volts.

    Parameters
    ----------
    name
        `xor`, `iris`, `wine`, `breast-cancer`, `digits`, `mnist`, `fashion-mnist`, `cifar10`, with real targets `diabetes`, `friedman`,
        `linear-map`, or a file, `.npz` or `.csv`, by its path from where hwsim is run; `netlist` is the one sample that a netlist's own
        sources show. Series, which are divided in time, are `narma10`, `narma30`, `mackey-glass`, `lorenz`, `henon`, `laser` and `memory`;
        sequences with a class each are `sines`, `vowels` and `.ts` files.
    task
        What is learned: `classification`, `regression` (outputs are to reach real targets, one for each output) or `reconstruction` (they
        are to repeat the inputs' voltages, and the data need no classes).
    targets
        Of a file for regression, the columns that are the targets, by name or by number from 1 on; in an `.npz`, names are those of arrays,
        and numbers columns of `y`. All other columns are features. Absent: the last column, or all of `y`.
    target_scaling
        How targets of a regression become voltages, each by a scale of its own, fitted on the training set alone: `minmax` (the least
        becomes `training.target_low`, the largest `training.target_high`), `standard` (the mean less two standard deviations becomes the
        one, the mean plus two the other), or `none`: they are in volts. Errors are reported in the targets' own units.
    error
        How the error of real targets is reported: `rmse`, in their units, or `nrmse`, the root of the share of their variance that is not
        explained.
    length
        Of a series that is computed or a part of a file, its rows; absent: 3,200, or all of the file.
    horizon
        Of a series that is to be foretold, how many rows ahead; of `memory`, up to how many rows back. Absent: 84 of `mackey-glass`, 100 of
        `memory`, else 1.
    seed
        Of a series that is computed.
    scaling
        `minmax` (0 to 1) or `standard` (zero mean, unit variance) per feature, fitted on the training set alone; or `none`. A feature that
        is constant there becomes 0 in both sets.
    clip
        Features beyond ±clip, after scaling, are cut off there; absent: none are.
    test_share
        Share of each class that is held out, for data that come without a test set. Absent: 0.2; of fewer than ten samples a class none,
        and all samples are for training and testing alike.
    folds
        Split the samples into this many folds of one size and with the same share of each class, drawn by `training.seed`; test on `fold`,
        and train on the others. Of data with a test set the training set is split, and the test set is set aside. Absent: `test_share`
        counts.
    fold
        Number of the fold that is tested, from 0 to `folds` − 1.
    validation
        Share of each class of the training set that is held out too and stands in for the test set, which nobody then looks at: for
        choosing settings; absent: none.
    train_limit, test_limit
        Use no more samples than this, drawn at random; absent: all.
    overfit
        Train and test on this many samples of the training set alike, drawn at random: whether a circuit can memorise them at all.
    shift
        Pixels by which training images are moved at most, up or down and to either side, drawn again for every image and epoch; what comes
        in from outside is 0. Images are of the shape that the data state, else of `circuit.image`, else square: row by row, pixel by
        pixel, channel by channel. Images are tested as they are.
    flip
        Whether training images are mirrored, left for right, half of the time, drawn again for every image and epoch.
    input_dropout
        Share of the features of each training sample that are set to 0, others in each epoch; the rest become 1/(1 − share) times as large.
        Samples are tested as they are.
    denoise
        Standard deviation of normal noise that is added to the features of each training sample, after scaling and dropout, other noise in
        each epoch [units of a feature]; targets stay those of the clean sample. Inputs' converters do not round it.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.DataSettings(name="iris", scaling="standard", clip=3.0).clip
    3.0

    """

    name: str = Field(min_length=1)
    task: TaskName = "classification"
    targets: Annotated[tuple[Annotated[str, Field(min_length=1)] | PositiveInt, ...], Field(min_length=1)] | None = None
    target_scaling: TargetScaling = "minmax"
    error: Literal["rmse", "nrmse"] = "rmse"
    length: Annotated[int, Field(ge=2, le=10_000_000)] | None = None
    horizon: Annotated[int, Field(ge=1, le=10_000)] | None = None
    seed: NonNegativeInt = 0
    scaling: Literal["none", "minmax", "standard"] = "none"
    clip: PositiveFloat | None = None
    test_share: Fraction | None = None
    folds: Annotated[int, Field(ge=2)] | None = None
    fold: NonNegativeInt = 0
    validation: Fraction | None = None
    train_limit: PositiveInt | None = None
    test_limit: PositiveInt | None = None
    overfit: PositiveInt | None = None
    shift: NonNegativeInt = 0
    flip: bool = False
    input_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    denoise: NonNegativeFloat = 0.0

    @property
    def moving(self) -> str:
        """The first setting that moves training images, with its value; empty where none does."""
        return f"shift = {self.shift}" if self.shift else "flip = true" if self.flip else ""

    @property
    def held_out(self) -> str:
        """Name of the set whose error is reported: `test`, or `validation` or `overfit` where these replace it."""
        if self.overfit is not None:
            return "overfit"
        return "test" if self.validation is None else "validation"

    @property
    def measure(self) -> Measure:
        """What the error of the task is called, and how it is written."""
        if self.task == "classification":
            return WRONG_ANSWERS
        if self.error == "nrmse":
            return NRMSE
        return RMSE_IN_VOLTS if self.task == "reconstruction" or self.target_scaling == "none" else RMSE

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key in ("targets", "target_scaling", "error"):
            if self.task != "regression" and getattr(self, key) != type(self).model_fields[key].default:
                msg = f"{key} is about real targets, and task = '{self.task}'; set data.task to 'regression', or omit data.{key}"
                raise ValueError(msg)
        if self.task == "reconstruction" and self.moving:
            msg = f"{self.moving} moves inputs away from the targets that they are to be; omit it, or set task to another one"
            raise ValueError(msg)
        if self.folds is None and self.fold:
            msg = f"fold = {self.fold} is the number of one of data.folds, which is absent; set data.folds too"
            raise ValueError(msg)
        if self.folds is not None and self.fold >= self.folds:
            msg = f"fold = {self.fold} is not one of {self.folds} folds, which are numbered from 0 to {self.folds - 1}"
            raise ValueError(msg)
        if self.folds is not None and self.test_share is not None and self.test_share != USUAL_TEST_SHARE:
            msg = f"test_share = {self.test_share:g} divides data without folds, and folds = {self.folds}; omit one of them"
            raise ValueError(msg)
        if self.moving and self.scaling != "none":
            msg = f"{self.moving} moves pixels, and scaling = '{self.scaling}' gives each its own scale; set scaling to 'none'"
            raise ValueError(msg)
        return self


class SolverSettings(Section):
    """When an equilibrium counts as found.

    Parameters
    ----------
    tolerance
        The numeric engine stops when no voltage changes in a sweep by more than this share of the largest source voltage;
        absent: 1e-13 in 64 bit, 1e-6 in 32 bit.
    max_steps
        Sweeps after which the numeric engine gives a sample up.
    newton
        Whether the numeric engine may use Newton's method on all nodes where sweeps over the layers do not settle (dead zones, strong
        feedback); absent: when the initial conductances call for it.
    ngspice_full
        Whether ngspice gets the full netlist; otherwise inputs are folded into the first crossbar, which is exact and faster.
    ngspice_workers
        Processes; absent: one a core.
    ngspice_timeout
        A worker that is silent for longer hangs, and another takes its place [s].
    ngspice_processor
        Processor time that a worker may use for some hundred equilibria [s].
    ngspice_memory
        What a worker may hold [B]; absent: the machine's memory over the number of workers.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.SolverSettings(tolerance=1e-9).max_steps > 100
    True

    """

    tolerance: PositiveFloat | None = None
    max_steps: PositiveInt = 2000
    newton: bool | None = None
    ngspice_full: bool = False
    ngspice_workers: PositiveInt | None = None
    ngspice_timeout: Annotated[Second, Field(gt=0)] = 300.0
    ngspice_processor: Annotated[Second, Field(gt=0)] = 3600.0
    ngspice_memory: Annotated[Byte, Field(gt=0)] | None = None


class Reached(Section):
    """What the experiment is known to reach.

    Parameters
    ----------
    test_error
        Mean share of wrong answers, or root mean square error [units of the targets], on the test set, or on all folds, over `seeds` runs.
    interval
        Its 95 % interval; absent: none is known.
    linear
        The error of a linear model on the same folds; absent: none is known.
    r2, linear_r2
        Share of real targets' variance that is explained, R², and the linear model's; absent: none is known.
    seeds, folds
        Seeds of the runs, and the folds of each; absent: one test set a run.
    note
        What else to know about it.
    command
        What gives these numbers.

    """

    test_error: NonNegativeFloat
    interval: tuple[NonNegativeFloat, NonNegativeFloat] | None = None
    linear: NonNegativeFloat | None = None
    r2: Annotated[float, Field(le=1)] | None = None
    linear_r2: Annotated[float, Field(le=1)] | None = None
    seeds: PositiveInt = 1
    folds: PositiveInt | None = None
    note: str = ""
    command: str = ""
