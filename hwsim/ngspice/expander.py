"""Expansion of strangers' decks: each in a confined process of its own, which ends with it."""

import logging
from collections.abc import Sequence
from functools import cache

from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.messages import Expand
from hwsim.ngspice.ngspice_errors import NgspiceDeckError, NgspiceError, NgspiceMissingError
from hwsim.ngspice.pool import receive
from hwsim.ngspice.process import WorkerProcess
from hwsim.ngspice.sandbox import landlock
from hwsim.ngspice.seccomp import known_machine
from netlists.foreign.expansion import Expansion, ExpansionError

_LOG = logging.getLogger("hwsim.ngspice")

_LIMITS = WorkerLimits(silence=60.0, processor=50.0, memory=8_000_000_000)
"""A deck whose operating point takes longer could not be trained."""


@cache  # once a process
def warn_without_sandbox() -> None:
    """Warn where a deck of somebody else's is kept from the machine by the filter of its cards alone."""
    if landlock() < 1 or known_machine() is None:
        able = "Linux 5.13 or later with Landlock, on x86-64 or ARM64, can"
        _LOG.warning("this system cannot confine ngspice wholly (%s); simulate only decks that you trust", able)


class Expanding:
    """Lets ngspice expand decks one after another in one confined process, another when it dies."""

    def __init__(self) -> None:
        self._worker: WorkerProcess | None = None

    def __call__(self, cards: Sequence[str]) -> Expansion:
        """Expand the cards of a deck.

        Raises
        ------
        ExpansionError
            When ngspice is missing, refuses the deck, finds no operating point, or dies of it.

        """
        try:
            warn_without_sandbox()
            self._worker = self._worker or WorkerProcess(_LIMITS.of_memory(1), _LIMITS.processor)
            return self._asked(self._worker, cards)
        except NgspiceMissingError as error:
            msg = f"only ngspice reads this deck, and {error}"
            raise ExpansionError(msg) from None
        except NgspiceError as error:
            self.close()
            raise ExpansionError(str(error), error.place if isinstance(error, NgspiceDeckError) else None) from None
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _asked(worker: WorkerProcess, cards: Sequence[str]) -> Expansion:
        worker.send(Expand(tuple(cards)))
        if not worker.connection.poll(_LIMITS.silence):
            msg = f"ngspice did not expand the deck within {_LIMITS.silence:g} s"
            raise NgspiceError(msg)
        expansion: Expansion = receive(worker)
        return expansion

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None


def expand(cards: Sequence[str]) -> Expansion:
    """Let ngspice expand the cards of a deck, in a process that may read nothing but programs, and then end it.

    Raises
    ------
    ExpansionError
        As Expanding does.

    """
    expanding = Expanding()
    try:
        return expanding(cards)
    finally:
        expanding.close()
