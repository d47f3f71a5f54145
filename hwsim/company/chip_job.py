"""Jobs: what a chip's worker gets and returns: a chip's state, gradients and outputs by name, and never a sample."""

import pickle
from importlib.metadata import version
from typing import Literal, NamedTuple, Self

import numpy as np

from hwsim.company.chip_samples import Fingerprint
from hwsim.experiment.experiment import Experiment
from hwsim.learning.state import Arrays
from hwsim.learning.step import Sums
from hwsim.typing import Conductances, Floats

Work = Literal["epoch", "gradient", "test outputs", "common outputs", "samples"]
"""All updates of an epoch; the gradient of one; what a chip answers on the test set, or on the common samples; how many samples it has."""


class CompanyKey(NamedTuple):
    """What all jobs of a company have in common: its experiment, packed once, and the version of hwsim that it is trained with."""

    packed: bytes
    hwsim: str

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        """Pack an experiment."""
        return cls(pickle.dumps(experiment), version("hwsim"))

    def experiment(self) -> Experiment:
        """Unpack it."""
        experiment: Experiment = pickle.loads(self.packed)  # noqa: S301 - Dask unpacks all that comes with it in the same way
        return experiment


class ChipJob(NamedTuple):
    """What a worker needs for a chip.

    Parameters
    ----------
    company
        Of which company the chip is.
    chip
        Its number.
    work
        What to compute.
    arrays
        The state to begin from, by name; of a gradient, the conductances and sums so far.
    newton
        Whether sweeps alone are too slow.
    epoch, step
        The epoch, and of a gradient the update.
    answers
        Targets on the common samples, (n, K) [V]; None: it learns from its labelled samples alone.

    """

    company: CompanyKey
    chip: int
    work: Work
    arrays: Arrays
    newton: bool
    epoch: int
    step: int = 0
    answers: Floats | None = None

    @property
    def name(self) -> str:
        """What it is, in words."""
        what = f"update {self.step + 1} of epoch {self.epoch + 1}" if self.work == "gradient" else f"epoch {self.epoch + 1}"
        return f"chip {self.chip}, {what}"


class ChipAnswer(NamedTuple):
    """What a worker returns.

    Parameters
    ----------
    chip
        The chip's number.
    arrays
        The state, gradients or outputs, by name; none where it failed.
    samples
        Fingerprint of the chip's samples, as the worker has read them.
    hwsim
        The worker's version.
    failed
        Why this training cannot be continued anywhere.
    fault
        Why this worker cannot compute it.

    """

    chip: int
    arrays: Arrays
    samples: Fingerprint
    hwsim: str
    failed: str = ""
    fault: str = ""


class ChipProgress(NamedTuple):
    """How far a chip is in its epoch: samples, and the sum of their losses [V²]."""

    chip: int
    samples: int
    loss: float


G, GRADIENT, SUMS, OUTPUTS, COUNTS = "g/", "gradient/", "epoch/", "outputs", "counts"
"""What names of arrays begin with: conductances, gradients by block, an epoch's sums; and the names of outputs and of counts by class."""


def gradient_arrays(by_block: Conductances, sums: Sums) -> Arrays:
    """Lay out gradients by block, and sums, as named arrays."""
    gradients = {f"{GRADIENT}{name}": np.array(values) for name, values in by_block.items()}
    return gradients | {f"{SUMS}{name}": np.array(value) for name, value in sums._asdict().items()}


def sums_of(arrays: Arrays) -> Sums:
    """Read an epoch's sums back."""
    return Sums(*(arrays[f"{SUMS}{name}"] for name in Sums._fields))
