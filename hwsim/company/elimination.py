"""Elimination: which chip of a company agrees least with its peers, and how it begins again, taught by the others."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from hwsim.company.listening import latest, listened
from hwsim.company.members import Members
from hwsim.company.memory import CompanyMemory
from hwsim.ensemble.ensemble_trainer import EnsembleTrainer
from hwsim.learning.state import State
from hwsim.learning.targets import Targets
from hwsim.random.streams import stream
from hwsim.settings.company_settings import CompanySettings
from hwsim.typing import Floats


class BegunAgain(NamedTuple):
    """A company's state and memory after one of its chips began again, and the number of that chip."""

    state: State
    memory: CompanyMemory
    chip: int


def peers(settings: CompanySettings, seed: int, epoch: int, memory: CompanyMemory) -> list[list[int]]:
    """Return the numbers of the peers that each chip learns from after an epoch.

    Chips that had begun again less than the burn-in before they answered are passed over, where there are others: then those a chip
    listens to, or all.
    """
    answered = latest(settings, epoch) - settings.staleness * settings.every
    able = [k for k in range(settings.chips) if not memory.begun[k] or answered - memory.begun[k] >= max(settings.burn_in, 1)]
    each = []
    for chip, chosen in enumerate(listened(settings, seed, latest(settings, epoch))):
        learned = [peer for peer in chosen if peer in able]
        each.append(learned or [peer for peer in able if peer != chip] or chosen)
    return each


def disagreement(targets: Targets, answers: Floats, listening: Sequence[Sequence[int]]) -> Floats:
    """Return how far each chip's answers, (chips, n, K) [V], are from the mean of those that it listens to.

    Of classes it is the share of samples of which it answers another one; of real targets the mean squared distance [V²]. Nobody's labels
    are needed for it.
    """
    far = []
    for of_chip, chosen in zip(answers, listening, strict=True):
        mean = answers[list(chosen)].mean(axis=0)
        differs = targets.answers(of_chip) != targets.answers(mean) if targets.of_classes else (of_chip - mean) ** 2
        far.append(float(np.mean(differs)))
    return np.array(far)


def eliminated(
    members: Members, settings: CompanySettings, chips: EnsembleTrainer, state: State, memory: CompanyMemory
) -> BegunAgain | None:
    """Let the chip that disagrees most begin again, at an exchange; None where none is due, or too few epochs are left to learn in."""
    epoch, begun, wait = state.epoch, memory.begun, settings.eliminate
    if not wait or epoch - max(begun) < wait or chips.settings.epochs - epoch < wait:
        return None
    seed = chips.settings.seed
    listening = listened(settings, seed, epoch)
    far = disagreement(members.alone[0].task.train, memory.answers[0], listening)
    chip = int(np.argmax(far))
    trainer = copy.copy(chips.trainers[chip])
    newborn = int(stream(seed, f"company/newborn/{epoch}").integers(2**31))
    trainer.setup = trainer.setup._replace(start=members.start(chip, newborn))
    each = chips.apart(state)
    each[chip] = replace(trainer.begin(), epoch=epoch)
    again = [epoch if k == chip else since for k, since in enumerate(begun)]
    return BegunAgain(chips.together(each), memory._replace(begun=np.array(again)), chip)
