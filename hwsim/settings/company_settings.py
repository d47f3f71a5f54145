"""The section of an experiment file about chips that learn in company."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from hwsim.settings.sections import PositiveVolt, Section

Shards = Literal["disjoint", "same", "by-class", "dirichlet"]
ExchangeKind = Literal["none", "mean-gradient", "mean-weights", "outputs", "teacher", "sums", "plasticity"]
Listening = Literal["all", "ring", "pairs"]
SentPrecision = Literal["float32", "int8", "sign"]
DataPlace = Literal["shared", "local"]


def _several(value: Any) -> Any:
    """Return one name as a list of names."""
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_several)]

_FEWEST = 3
"""Chips of which one can agree less than the others."""


class CompanySettings(Section):
    """Chips that learn together, each with its own initial conductances, its own devices and its own share of the training set.

    Parameters
    ----------
    chips
        How many; chip k has the variation of chip `variation.chip` + k, and draws by the seed `training.seed` + k.
    shards
        Which labelled samples each has, all chips equally many: `disjoint` (drawn evenly), `same` (all have all), `by-class` (sorted by
        class, so that each chip has seen few of them), or `dirichlet` (each chip's classes in proportions drawn with `skew`). A series is
        not drawn: each chip has a part of it, one behind the other, or, with `same`, all of it.
    skew
        Concentration of that Dirichlet distribution: small numbers give each chip few classes, large ones all evenly.
    data
        Where samples are: `shared` (every machine reads all data, and each chip has its shard of them), or `local` (each worker of a
        scheduler has a file of its own under the name of the data, all of which is the shard of its one chip; the test set, the classes
        and the first `common` samples of the training set are the same in all files).
    sizes
        Of chips with reservoirs, how many samples the first ones learn from; the others share the rest equally.
    least_samples
        Chips with fewer of them send no sums.
    exchange
        What they exchange: `none`, `mean-gradient` (every update takes the mean of all gradients: synchronous gradient descent),
        `mean-weights` (federated averaging: every `every` epochs all get the mean conductances), `outputs` (co-distillation: targets on
        the samples of `common` are the mean outputs of the peers that a chip listens to) or `teacher` (distillation: they are the mean
        outputs of circuits that are trained already; then one chip is enough). Chips with reservoirs exchange `none`, `sums` (of
        products of states with states and with targets, once, of which all get the read-out that ridge regression of all samples has) or
        `plasticity` (before their sums, the gains and biases that their nodes adapt, averaged by numbers of samples).
    every
        Epochs from one exchange of conductances or outputs to the next; of `plasticity`, passes over a chip's samples.
    rounds
        How often gains and biases are averaged.
    state_std
        Standard deviation of the voltages that nodes adapt to have [V].
    burn_in
        Epochs before the first exchange of outputs; what untrained chips answer teaches nothing.
    common
        Samples of the training set that all chips hold without their labels, and on which they learn from each other; no shard has them.
    listen
        To which peers a chip listens: `all`, its neighbour in a `ring`, or one other, drawn at each exchange (`pairs`).
    weight
        How much the loss on a common sample counts against that on a labelled one: ψ in C = Σ c(y, ŷ) + ψ·Σ c(peers' mean, ŷ).
    staleness
        How many exchanges old the answers are that chips learn from; 0: those of the latest.
    teacher
        Run folders of the trained circuits that teach; the folder of a company stands for all its chips.
    eliminate
        Epochs from one elimination to the next, at an exchange of outputs: the chip that agrees least with the peers that it listens to
        begins again, from other initial conductances, and learns from what the others answer. 0: never; nor within so many epochs of the
        end.
    precision
        How numbers are sent: `float32`, `int8` (256 levels between the least and the largest), or `sign` (of outputs the answer alone; of
        gradients the sign, with their mean size).
    exact
        Whether a process computes its chips one by one, on one core, as workers elsewhere do: with the same bits, and more slowly.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.CompanySettings(chips=4, exchange="outputs", common=1000).every
    1

    References
    ----------
    Y. Bengio, Evolving culture vs local minima, 2012; R. Anil et al., Large scale distributed neural network training through online
    distillation, 2018; B. McMahan et al., Communication-efficient learning of deep networks from decentralized data, 2017; D. Bacciu et
    al., Federated reservoir computing neural networks, 2021; V. De Caro et al., Federated adaptation of reservoirs via intrinsic
    plasticity, 2022.

    """

    chips: Annotated[int, Field(ge=1, le=1000)]
    shards: Shards = "disjoint"
    skew: PositiveFloat = 0.5
    data: DataPlace = "shared"
    sizes: tuple[PositiveInt, ...] = ()
    least_samples: NonNegativeInt = 0
    exchange: ExchangeKind = "none"
    every: PositiveInt = 1
    rounds: PositiveInt = 20
    state_std: PositiveVolt = 0.05
    burn_in: NonNegativeInt = 1
    common: NonNegativeInt = 0
    listen: Listening = "all"
    weight: Annotated[float, Field(gt=0, le=1000)] = 1.0
    staleness: NonNegativeInt = 0
    teacher: Names = ()
    eliminate: NonNegativeInt = 0
    precision: SentPrecision = "float32"
    exact: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.exchange == "teacher" and not self.teacher:
            msg = "exchange = 'teacher' needs a trained circuit; set teacher to its run folder, or to that of a company"
            raise ValueError(msg)
        if self.chips == 1 and self.exchange != "teacher":
            msg = "chips = 1 is no company; take more, or set exchange to 'teacher'"
            raise ValueError(msg)
        if self.taught and not self.common:
            msg = f"exchange = '{self.exchange}' needs samples to answer on; set common to their number, a fifth of the training set or so"
            raise ValueError(msg)
        if self.eliminate and self.chips < _FEWEST:
            msg = f"eliminate = {self.eliminate}: of two chips neither agrees less with the other; set chips to 3 or more"
            raise ValueError(msg)
        if self.exchange == "mean-weights" and self.precision == "sign":
            msg = "precision = 'sign' leaves nothing of a conductance; use 'float32' or 'int8'"
            raise ValueError(msg)
        self._refuse_idle("shards", {"skew": {"dirichlet"}})
        self._refuse_idle("data", {"shards": {"shared"}})
        if self.local and self.exchange in {"mean-gradient", "sums", "plasticity"}:
            msg = f"exchange = '{self.exchange}' needs data = 'shared'; with 'local' use 'mean-weights', 'outputs', 'teacher' or 'none'"
            raise ValueError(msg)
        sent, adapts = {"mean-gradient", "mean-weights", "outputs", "teacher"}, {"plasticity"}
        of_outputs = {key: {"outputs"} for key in ("burn_in", "listen", "staleness", "eliminate")}
        of_reservoirs = {"least_samples": {"sums"} | adapts, "rounds": adapts, "state_std": adapts}
        of_both = {
            "every": {"mean-weights", "outputs"} | adapts,
            "weight": {"outputs", "teacher"},
            "teacher": {"teacher"},
            "precision": sent,
        }
        self._refuse_idle("exchange", of_outputs | of_both | of_reservoirs)
        if len(self.sizes) > self.chips or (self.sizes and self.shards == "same"):
            msg = f"sizes = {list(self.sizes)} are of up to {self.chips} chips, each with samples of its own; omit some, or shards = 'same'"
            raise ValueError(msg)
        return self

    @property
    def taught(self) -> bool:
        """Whether chips learn from answers on the common samples."""
        return self.exchange in {"outputs", "teacher"}

    @property
    def local(self) -> bool:
        """Whether each chip's samples are on its own worker alone."""
        return self.data == "local"

    @property
    def federated(self) -> bool:
        """Whether chips exchange what read-outs of reservoirs are solved from."""
        return self.exchange in {"sums", "plasticity"}

    @property
    def first_exchange(self) -> int:
        """The first epoch, counted from 1, that an exchange takes part in, or is at the end of; 0 without exchanges."""
        taught = self.burn_in + self.staleness * self.every + 1
        return {"none": 0, "mean-gradient": 1, "mean-weights": self.every, "outputs": taught}.get(self.exchange, 1)

    @property
    def first_elimination(self) -> int:
        """The epoch at whose end the first chip begins again: that of the first exchange which is late enough."""
        late = max(self.eliminate - self.burn_in, 0)
        return self.burn_in + -(-late // self.every) * self.every
