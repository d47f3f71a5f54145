"""Learned conductances in a file: where another training starts from, read once and laid out for the circuit that it is of."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.quoting import quote
from hwsim.files import atomic
from hwsim.typing import Weights

Arrays = dict[str, NDArray[Any]]

TRAINED = "weights.npz"
"""The conductances in a run's folder at the end of its last whole epoch [S]."""

STARTED = "start.npz"
"""Those that a run began with, if it did with learned ones."""

_LARGEST = 1e6
"""Conductance [S]: of a micro-ohm, less than a metre of thick busbar has."""

_ROUNDING = 1e-6
"""Share of a bound by which 32 bits may miss it; less than that is not reported as cut."""


class WeightsError(ValueError):
    """Conductances that cannot be read, or are another circuit's; the message names the file and the remedy."""


def read(path: str) -> Weights:
    """Read the conductances of a run's folder, or of an `.npz` file of one array a trainable element [S].

    Raises
    ------
    WeightsError
        When there are none, or they are no numbers.

    """
    place = Path(path)
    file = place / TRAINED if place.is_dir() else place
    try:
        state = file.stat()
        return _read(file, (state.st_mtime_ns, state.st_size))
    except FileNotFoundError:
        if place.is_dir():
            msg = f"{path} holds no {TRAINED}; name the folder of a run that ended an epoch, or an .npz file of conductances"
        else:
            msg = f"{quote(path)}: no such file or folder; name a run's folder, or an .npz file of conductances"
        raise WeightsError(msg) from None
    except atomic.UnreadableError as error:
        msg = f"{file}: cannot be read ({error}); name a run's folder, or an .npz file of conductances"
        raise WeightsError(msg) from None


def run_of(path: str) -> Path | None:
    """Return the folder of the run that conductances are named by, as a folder or its own file; None for any other file."""
    place = Path(path)
    folder = place.parent if place.name == TRAINED else place
    return folder if folder.is_dir() else None


@lru_cache(maxsize=2)
def _read(file: Path, _state: tuple[int, int]) -> Weights:  # with its time and length, as a file that has changed is read again
    g = atomic.read_arrays(file)
    if fault := fault_of(g):
        msg = f"{file}: {fault}; name a run's folder, or an .npz file of conductances"
        raise WeightsError(msg)
    return _floats(g)


def _floats(g: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    with np.errstate(over="ignore"):  # a number of more than 64 bits becomes infinite, which no circuit takes
        return {name: np.asarray(values, dtype=np.float64) for name, values in g.items()}


def fault_of(g: Mapping[str, NDArray[Any]]) -> str | None:
    """Name the first array that holds no numbers, or more than any device conducts; None where all could be conductances."""
    for name, values in g.items():
        if values.dtype.kind not in "fiu":
            return f"{quote(name)} holds {values.dtype}, not numbers"
    for name, values in _floats(g).items():
        if (most := values > _LARGEST).any():
            return f"{quote(name)} holds {float(values[most].flat[0]):.3g} S, and {_LARGEST:g} S are the most"
    return None


def laid_out(g: Mapping[str, NDArray[Any]], circuit: Circuit) -> dict[str, NDArray[np.float64]]:
    """Lay a crossbar's conductances along its grid, whose memristors are the same, row by row, and the other way round.

    So what was learned with ideal wires fits real ones.

    Raises
    ------
    CircuitError
        When they do not fit the circuit: the first name, shape or value that is wrong.

    """
    shapes = {element.name: element.shape for element in circuit.trainable}
    laid = {
        name: values.reshape(shapes[name])
        if name in shapes and {values.ndim, len(shapes[name])} == {1, 2} and values.size == np.prod(shapes[name])
        else values
        for name, values in _floats(g).items()
    }
    circuit.check_conductances(laid)
    return laid


def fingerprint(g: Weights) -> str:
    """Return the same text for the same conductances, whatever file they are in."""
    digest = hashlib.sha256()
    for name, values in sorted(g.items()):
        digest.update(f"{name} {values.shape}".encode() + np.asarray(values, dtype="<f8").tobytes())
    return digest.hexdigest()[:16]


def beyond(chip: Chip, g: Weights, kind: str = "learned") -> str:
    """Report how many conductances [S] of a kind, at a chip's temperature, its devices cannot have, and the farthest of each array.

    Returns
    -------
    str
        A line; empty where the devices can have all of them.

    """
    arrays = []
    for name, values in g.items():
        low, high = (np.broadcast_to(chip.fresh(name, bound), values.shape) for bound in ("g_min", "g_max"))
        outside = (values < low * (1 - _ROUNDING)) | (values > high * (1 + _ROUNDING))
        if outside.any():
            with np.errstate(over="ignore"):  # the smallest numbers are infinitely far below any bound
                ratio = np.where(outside, np.maximum(low / values, values / high), 0.0)
            at = np.unravel_index(int(np.argmax(ratio)), values.shape)
            place = ", ".join(map(str, at))
            arrays.append(
                f"{int(outside.sum())} of {values.size} in {name} "
                f"({name}[{place}] = {values[at]:.4g} S, its device has {low[at]:.4g} to {high[at]:.4g} S)"
            )
    return f"{kind} conductances beyond what the devices can have are cut to their bounds: {'; '.join(arrays)}" if arrays else ""
