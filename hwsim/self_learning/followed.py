"""A self-learning deck run by libngspice in a sandboxed worker: what it learned, presentation by presentation."""

import re
from typing import NamedTuple

import numpy as np

from circuits.quoting import quote_path
from hwsim.experiment.experiment import ExperimentError
from hwsim.ngspice.limits import WorkerLimits
from hwsim.ngspice.messages import TransientDeck, TransientJob
from hwsim.ngspice.ngspice_errors import NgspicePointError
from hwsim.ngspice.pool import Pool
from hwsim.self_learning.compiled import learning_of, presentation
from hwsim.self_learning.embedded import Embedded
from hwsim.session import Session
from hwsim.typing import Floats, Weights
from netlists.self_learning.answers import node_names
from netlists.self_learning.learning import STEPS
from netlists.self_learning.memories import memory_nodes
from netlists.self_learning.presentation import Presentation
from netlists.text.numbers import plain

_CONTROL = re.compile(r"^\.control\b.*?^\.endc\b[^\n]*\n?", re.MULTILINE | re.DOTALL | re.IGNORECASE)

_COMMANDS = re.compile(r"^\s*(\.(save|tran|end)\b|\*>)[^\n]*\n?", re.MULTILINE | re.IGNORECASE)


class Learned(NamedTuple):
    """What a deck learned.

    Parameters
    ----------
    session
        Its experiment.
    shown
        What it was shown, and how it learned.
    conductances
        Of each trainable array, at the end of each presentation, shape (presentations, *shape of g) [S], within the devices' bounds.
    loss
        At the end of each presentation, shape (presentations,) [V²].
    right
        Whether the answer was right then, shape (presentations,); None of real targets.

    """

    session: Session
    shown: Presentation
    conductances: Weights
    loss: Floats
    right: Floats | None

    @property
    def begun(self) -> Weights:
        """The conductances that learning started from [S]."""
        return {name: values[0] for name, values in self.conductances.items()}

    @property
    def g(self) -> Weights:
        """The conductances at the end [S]."""
        return {name: values[-1] for name, values in self.conductances.items()}


def follow(deck: Embedded, what: str, presentations: int | None = None) -> Learned:
    """Run a deck, or the first presentations of its learning.

    Raises
    ------
    ExperimentError
        When the deck's circuit is not that of the experiment in it.
    NgspiceError
        When ngspice does not get to the end.

    """
    session = Session.of(deck.experiment)
    learning = learning_of(session, session.begun(), deck.options)
    shown = presentation(session, learning)
    count = shown.shown if presentations is None else min(shown.count + presentations, shown.shown)
    nodes = [node for e in session.circuit.trainable for node in memory_nodes(session.circuit, e)]
    answers = node_names(session.circuit, classes=session.task.train.of_classes)
    text = _COMMANDS.sub("", _CONTROL.sub("", deck.text.replace("\r\n", "\n").replace("\n+", " ")))
    for node in (*nodes, *answers):
        if not re.search(rf"\b{re.escape(node)}\b", text):
            msg = f"{quote_path(what)}: has no node {node}, and the experiment in its comments has; write the deck again"
            raise ExperimentError(msg)
    times = np.asarray(learning.period * np.arange(1, count + 1), np.float64)
    v = _run(text, (*nodes, *answers), times, learning.period / STEPS)
    conductances, first = {}, 0
    for e in session.circuit.trainable:
        size = int(np.prod(e.shape))
        values = (learning.volt * v[:, first : first + size]).reshape(count, *e.shape)
        conductances[e.name] = np.clip(values, *(session.chip(e.name, bound) for bound in ("g_min", "g_max")))
        first += size
    return Learned(session, shown, conductances, v[:, first], v[:, first + 1] if len(answers) > 1 else None)


def _run(text: str, nodes: tuple[str, ...], times: Floats, step: float) -> Floats:
    """Return the voltages of nodes at times, shape (times, nodes) [V]."""
    save = [f".save {' '.join(f'v({node})' for node in nodes[k : k + 50])}" for k in range(0, len(nodes), 50)]
    stop, longest, row = plain([times[-1], step, times[0]], "time")
    deck = TransientDeck(command=f"tran {row} {stop} 0 {longest} uic", times=times, nodes=nodes)
    pool = Pool(1, WorkerLimits())
    try:
        (answer,) = pool.run(deck, [TransientJob(deck=None, text="\n".join([text.rstrip(), *save, ".end"]) + "\n")])
    finally:
        pool.close()
    if not np.isfinite(answer.v).all():
        msg = f"ngspice did not follow the deck to its end: {answer.message}"
        raise NgspicePointError(msg)
    v: Floats = answer.v
    return v
