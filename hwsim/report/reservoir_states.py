"""What a report shows of the reservoir in front of a run's read-out: some of its states, all that are read, and its weights' spectrum."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from hwsim.reservoir.drawn_circuit import DrawnCircuit
from hwsim.reservoir.measures import effective_rank, state_entropy, state_rank
from hwsim.typing import Floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hwsim.session import Session

ROWS, _MEASURED = 100, 1000
"""Rows that are drawn, and states whose rank and entropy are taken, both the first ones of the held-out set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservoirStates:
    """States of a reservoir.

    Parameters
    ----------
    drawn
        The circuit that the settings draw, or name.
    followed
        States of the first rows of the held-out set, or of its first sequence, shape (T, N) [V].
    read
        States that the read-out gets, shape (n, N) [V].
    eigenvalues
        Of the weights that columns have on each other, as designed, with the gain of their lines; of a deck none.

    """

    drawn: DrawnCircuit
    followed: Floats
    read: Floats
    eigenvalues: "NDArray[np.complex128]"

    @classmethod
    def of(cls, session: "Session") -> Self | None:
        """Return those of a session; None where there is no reservoir.

        Raises
        ------
        DataError, CircuitError, ConvergenceError
            As `Session.data`.

        """
        if session.experiment.reservoir is None:
            return None
        reservoir, raw = session.reservoir, session.source.data
        read = session.data.x_test.reshape(-1, reservoir.settings.nodes)
        followed = read[:ROWS]
        if not raw.ordered:
            assert raw.rows_test is not None  # noqa: S101 - as sequences have
            rows = int(raw.rows_test[0])
            followed = reservoir.states(raw.x_test[:1].reshape(1, -1, reservoir.inputs)[:, :rows], "report")[0]
        eigenvalues = [np.linalg.eigvals((layer.driven.gain or 1.0) * layer.matrix) for layer in reservoir.drawn.layers]
        return cls(
            drawn=reservoir.drawn,
            followed=followed,
            read=read[:_MEASURED],
            eigenvalues=np.concatenate([np.zeros(0, complex), *eigenvalues]),
        )

    @property
    def reads(self) -> list[int]:
        """Rows of a sequence at which states are read, from 0 on."""
        reads = self.drawn.settings.reads
        return [len(self.followed) * k // reads - 1 for k in range(1, reads + 1)]

    @property
    def rank(self) -> int:
        """In how many directions the states move by more than their noise."""
        return state_rank(self.read, self.drawn.settings.noise)

    @property
    def effective_rank(self) -> float:
        """In how many directions they move, by the shares of their variance."""
        return effective_rank(self.read)

    @property
    def entropy(self) -> float:
        """Their entropy [nats]."""
        return state_entropy(self.read)
