"""How many threads a training takes of the machine, where it computes alone in its process."""

from hwsim.cluster.one_thread import one_thread
from hwsim.session import Session

SMALL = 20_000_000
"""Memristors times samples of an update; below, XLA's threads wait for each other longer than they compute (results/speed.md)."""


def limit_threads(session: Session) -> None:
    """Take one thread where the numeric engine trains a small circuit, and is not loaded yet; else all that there are."""
    training = session.experiment.training
    samples = min(training.batch, len(session.data.x_train))
    if training.engine == "numeric" and session.experiment.reservoir is None and samples * session.circuit.memristors < SMALL:
        one_thread()
