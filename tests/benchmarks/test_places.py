"""What a contestant does in a process of its own, it does in this one; what goes wrong there is raised here."""

import importlib
import os
import signal
from decimal import Decimal, DivisionByZero
from functools import partial

import jax  # noqa: F401 - loaded, so that this process keeps its threads
import pytest

from hwsim.benchmarks import cases
from hwsim.benchmarks.contestants import CircuitLearner
from hwsim.benchmarks.places import ContestantError, OwnProcess, Place, SameProcess, together

PLACES = pytest.mark.parametrize("place", [SameProcess, OwnProcess])


@PLACES
def test_methods_answer_and_errors_are_raised(place: Place) -> None:
    """Wherever it works: those of a method, and those of its making."""
    with together(place, (Decimal, "2"), (Decimal, "9")) as (two, nine):
        assert nine("sqrt") == 3
        assert two("__add__", Decimal(5)) == 7
        with pytest.raises(DivisionByZero):
            two("__truediv__", Decimal(0))
        assert two("__add__", Decimal(1)) == 3
    with pytest.raises(ValueError, match="invalid literal"):
        place(int, "two")


def test_a_process_of_its_own_outlives_ctrl_c_and_is_missed_when_it_ends() -> None:
    """Ctrl-C reaches all processes of a terminal; whoever waits for the contestant ends it."""
    with together(OwnProcess, (importlib.import_module, "os")) as (system,):
        number = system("getpid")
        assert number != os.getpid()
        system("kill", number, signal.SIGINT)
        assert system("getpid") == number
        with pytest.raises(ContestantError, match="exit code 3"):
            system("_exit", 3)
        with pytest.raises(ContestantError, match="exit code 3"):
            system("getpid")
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_a_circuit_learns_the_same_in_a_process_of_its_own() -> None:
    """With one thread there, as it is small, and as many as there are here."""
    given = (4,), cases.experiment((4,), 8, tolerance=1e-6), partial(cases.synthetic, 160)
    ended = []
    for place in (SameProcess, OwnProcess):
        with together(place, (CircuitLearner, *given)) as (circuit,):
            orders = circuit("prepare", 1)
            circuit("learn", 1, 20)
            ended.append((circuit("lesson"), orders[1].tolist(), *circuit("ended")))
    (lesson, order, error, settling), theirs = ended
    assert (lesson._replace(threads=1), order, error) == theirs[:3]
    assert settling.converged == theirs[3].converged == 1.0
    assert settling.steps_free == pytest.approx(theirs[3].steps_free, abs=0.1)
