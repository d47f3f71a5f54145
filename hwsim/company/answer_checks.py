"""Checks of what workers return: the chip's own samples, every array there, of its shape and type, finite, and physical."""

import numpy as np

from circuits.circuit import Circuit
from circuits.quoting import quoted
from hwsim.company.chip_job import ChipAnswer, ChipJob, G
from hwsim.company.chip_samples import Fingerprint
from hwsim.learning.state import Arrays


def refusal(job: ChipJob, answer: ChipAnswer, like: Arrays, samples: Fingerprint, *, finite: bool = True) -> str:
    """Return why an answer is refused, in some words; empty where it is good.

    Parameters
    ----------
    like
        Arrays of the shapes and types that the answer must have.
    samples
        Fingerprint of the chip's samples; where those of its own are not known yet, any are good.
    finite
        Whether all numbers must be; outputs of samples that failed and are skipped are NaN.

    """
    if answer.hwsim != job.company.hwsim:
        return f"it has hwsim {quoted(answer.hwsim)}, and this is {job.company.hwsim}; install the same version on every machine"
    if answer.fault:
        return answer.fault
    if answer.chip != job.chip:
        return f"it returned chip {quoted(answer.chip)} where chip {job.chip} was asked for"
    if answer.failed:
        return ""
    return _of_samples(job, answer.samples, samples) or _of_arrays(answer.arrays, like, finite=finite)


def _of_samples(job: ChipJob, samples: Fingerprint, expected: Fingerprint) -> str:
    if samples.common != expected.common:
        return "its test set, its classes or its common samples differ from those of this machine; all files need the same"
    if samples.of_chip != (expected.of_chip or samples.of_chip):
        return f"its samples of chip {job.chip} differ from those of the run; look at its data files and HWSIM_DATA"
    return ""


def _of_arrays(arrays: Arrays, like: Arrays, *, finite: bool) -> str:
    if arrays.keys() != like.keys():
        name = min(arrays.keys() ^ like.keys())
        return f"it returned {'an array too many' if name in arrays else 'no array'} {quoted(name)}"
    for name, wanted in like.items():
        values = arrays[name]
        if not isinstance(values, np.ndarray) or values.shape != wanted.shape or values.dtype != wanted.dtype:
            shape, kind = getattr(values, "shape", ()), getattr(values, "dtype", type(values).__name__)
            return f"its {name} has shape {tuple(shape)} of {kind}, not {wanted.shape} of {wanted.dtype}"
        if finite and values.dtype.kind == "f" and not np.isfinite(values).all():
            return f"its {name} is not finite; a training whose rates are too high returns such numbers everywhere"
    return ""


def impossible(circuit: Circuit, arrays: Arrays) -> str:
    """Return which conductances of an answer no device has, not even where failed samples are skipped; empty where all are good."""
    for element in circuit.memristive:
        g = arrays[f"{G}{element.name}"]
        if not np.isfinite(g).all():
            return f"its {G}{element.name} is not finite"
        if (lowest := float(g.min())) < 0.0:
            return f"its {G}{element.name} has a negative conductance, {lowest:.3g} S"
    return ""
