"""Arrays of a batch: features, targets and pushes in 64 bits, of the shapes that a circuit takes."""

from typing import Any

import numpy as np

from circuits.circuit import Circuit
from circuits.errors import CircuitError
from hwsim.core.protocol import Push
from hwsim.typing import Floats


def features_of(circuit: Circuit, x: Any) -> Floats:
    """Return features as (B, I), of one sample at least.

    Raises
    ------
    CircuitError
        When their shape is another.

    """
    features = np.asarray(x, dtype=np.float64)
    if features.ndim != 2 or features.shape[1] != circuit.input_count or not len(features):  # noqa: PLR2004 - samples, features
        msg = f"{circuit.name}: the features have shape {features.shape}; it takes (samples, {circuit.input_count})"
        raise CircuitError(msg)
    return features


def targets_of(circuit: Circuit, y: Any, batch: int) -> Floats:
    """Return the targets of a batch as (B, K) [V].

    Raises
    ------
    CircuitError
        When their shape is another.

    """
    targets, shape = np.asarray(y, dtype=np.float64), (batch, len(circuit.outputs))
    if targets.shape != shape:
        msg = f"{circuit.name}: the targets have shape {targets.shape}; the batch takes {shape}"
        raise CircuitError(msg)
    return targets


def push_on(circuit: Circuit, push: Push, batch: int) -> Push:
    """Return a push on the outputs of a batch with a beta (B, 1) [S], a target (B, K) [V] and a current (B, K) [A] for each sample.

    Raises
    ------
    CircuitError
        When one of them has another shape, and is no number for all.

    """
    shape = (batch, len(circuit.outputs))
    try:
        beta = np.broadcast_to(np.asarray(push.beta, dtype=np.float64), (batch, 1))
        target, current = (np.broadcast_to(np.asarray(part, dtype=np.float64), shape) for part in push[1:])
    except ValueError:
        msg = (
            f"{circuit.name}: beta, target and current of the push have shapes "
            f"{', '.join(str(np.shape(part)) for part in push)}; the batch takes one beta a sample and {shape}"
        )
        raise CircuitError(msg) from None
    return Push(beta, target, current)
