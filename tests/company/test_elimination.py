"""Elimination: the chip that disagrees begins again, and nobody listens to it before it has learned."""

import numpy as np

from hwsim.company.company import Company, Round
from hwsim.company.elimination import disagreement, peers
from hwsim.company.members import Members
from hwsim.company.memory import CompanyMemory
from hwsim.experiment.loading import load
from hwsim.learning.state import joined
from hwsim.learning.targets import Classes, Voltages
from hwsim.settings.company_settings import CompanySettings

SETTINGS = {"chips": 3, "exchange": "outputs", "common": 30, "eliminate": 2}
TRAINING = ["training.epochs=4", "training.precision=float64", "training.schedule=constant"]


def company(**settings):
    """Make a company of three chips on iris, one of which begins again after two epochs."""
    given = CompanySettings(**(SETTINGS | settings))
    return Company(Members.of(load("iris", TRAINING), given), given)


def test_the_odd_one_out_disagrees_most():
    """Of classes what counts is the share of other answers, of real targets the squared distance."""
    targets = Classes(np.zeros(4, int), np.eye(3))
    same = np.eye(3)[[0, 1, 2, 0]]
    answers = np.stack([same, np.eye(3)[[0, 1, 0, 1]], same, same])
    everyone = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]
    assert disagreement(targets, answers, everyone).tolist() == [0.0, 0.5, 0.0, 0.0]
    assert disagreement(Voltages(np.zeros((4, 3))), answers, everyone).argmax() == 1


def test_who_begins_again_is_new_and_the_others_go_on():
    """All that the chip learned is gone, optimizer's memory too; the others' states are as where nobody begins again."""
    second = {}
    for wait in (2, 0):
        with company(eliminate=wait) as chips:
            begun = [joined(one.g) for one in chips.alone.apart(chips.begin())]
            each = [(one, chips.alone.apart(one.state)) for one in chips.rounds(chips.begin()) if isinstance(one, Round)]
            second[wait] = each[1]
            assert [one.eliminated is not None for one, _ in each] == [False, wait > 0, False, False]
    (one, now), (_, then) = second[2], second[0]
    listening = peers(chips.settings, 0, 2, chips.no_memory)
    far = disagreement(chips.members.alone[0].task.train, one.memory.answers[0], listening)
    assert one.eliminated == far.argmax()
    assert one.memory.begun.tolist() == [2 if k == one.eliminated else 0 for k in range(3)]
    for k in range(3):
        values, others = joined(now[k].g), joined(then[k].g)
        assert all(np.array_equal(values[name], others[name]) for name in values) == (k != one.eliminated)
        assert any(np.any(part) for part in joined(now[k].moments.mean).values()) == (k != one.eliminated)
    newborn = joined(now[one.eliminated].g)
    assert not any(np.array_equal(newborn["w1"], other["w1"]) for other in begun)


def test_a_newborn_is_not_listened_to():
    """Before it has learned through a burn-in; where a ring has nobody else, a chip listens to all the others."""
    settings = CompanySettings(**SETTINGS | {"chips": 4, "burn_in": 2})
    memory = CompanyMemory.empty(4, (1, 4, 30, 3))._replace(begun=np.array([0, 3, 0, 0]))
    for epoch in (3, 4):
        assert peers(settings, 0, epoch, memory) == [[2, 3], [0, 2, 3], [0, 3], [0, 2]]
    assert peers(settings, 0, 5, memory)[0] == [1, 2, 3]
    ring = settings.model_copy(update={"listen": "ring"})
    assert peers(ring, 0, 3, memory) == [[2, 3], [2], [3], [0]]


def test_an_elimination_is_resumed():
    """From before it as from after it, the same chip begins again with the same conductances."""
    ends = []
    for stop in (None, 1, 2):
        with company() as chips:
            state, memory = chips.begin(), None
            for one in chips.rounds(state):
                if isinstance(one, Round):
                    last = one
                    if one.state.epoch == stop:
                        break
            if stop is not None:
                arrays, each = last.memory.arrays(), chips.alone.apart(last.state)
                state, memory = chips.alone.together(each), CompanyMemory.from_arrays(arrays)
                *_, last = (one for one in chips.rounds(state, memory) if isinstance(one, Round))
            ends.append([joined(one.g) for one in chips.alone.apart(last.state)])
    for other in ends[1:]:
        for one, again in zip(ends[0], other, strict=True):
            assert all(np.array_equal(one[name], again[name]) for name in one)
