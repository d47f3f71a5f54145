"""Expansion of strangers' decks: each in a confined process of its own, which ends with it."""

from collections.abc import Sequence

from hwsim.ngspice.limits import Limits
from hwsim.ngspice.messages import Expand
from hwsim.ngspice.ngspice_errors import NgspiceDeckError, NgspiceError, NgspiceMissingError
from hwsim.ngspice.pool import receive
from hwsim.ngspice.process import WorkerProcess
from netlists.foreign.expansion import Expansion, ExpansionError

_LIMITS = Limits(silence=120.0, processor=100.0, memory=8_000_000_000)
"""A deck whose operating point takes longer could not be trained."""


def expand(cards: Sequence[str]) -> Expansion:
    """Let ngspice expand the cards of a deck, in a process that may read nothing but programs.

    Raises
    ------
    ExpansionError
        When ngspice is missing, refuses the deck, finds no operating point, or dies of it.

    """
    try:
        worker = WorkerProcess(_LIMITS.of_memory(1), _LIMITS.processor)
    except NgspiceMissingError as error:
        msg = f"only ngspice reads this deck, and {error}"
        raise ExpansionError(msg) from None
    try:
        worker.send(Expand(tuple(cards)))
        if not worker.connection.poll(_LIMITS.silence):
            msg = f"ngspice did not expand the deck within {_LIMITS.silence:g} s"
            raise ExpansionError(msg)
        expansion: Expansion = receive(worker)
    except NgspiceDeckError as error:
        raise ExpansionError(str(error), error.place) from None
    except NgspiceError as error:
        raise ExpansionError(str(error)) from None
    finally:
        worker.end()
    return expansion
