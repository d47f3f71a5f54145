"""Averaging: all chips of a company get the mean of their conductances."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hwsim.company.messages import sent
from hwsim.core import blocks
from hwsim.ensemble.ensemble_trainer import EnsembleTrainer
from hwsim.learning.initial import within
from hwsim.learning.state import State, joined
from hwsim.settings.company_settings import SentPrecision


def averaged(chips: EnsembleTrainer, state: State, precision: SentPrecision, samples: Sequence[int] | None = None) -> State:
    """Return the state in which all chips have the mean of their conductances, as they were sent, within each chip's bounds.

    Chips with different numbers of `samples` count by these.
    """
    each = chips.apart(state)
    parts = [joined(one.g) for one in each]
    mean = {
        name: np.average([np.asarray(sent(part[name], precision), np.float64) for part in parts], axis=0, weights=samples)
        for name in parts[0]
    }
    given = []
    for trainer, one in zip(chips.trainers, each, strict=True):
        wanted = {name: values.astype(trainer.dtype) for name, values in within(trainer.solver.chip, mean).items()}
        g, programming = trainer.updater.programming.begin(blocks.split(trainer.circuit, wanted))
        given.append(replace(one, g=g, programming=programming))
    return chips.together(given)
