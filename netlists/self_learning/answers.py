"""What a self-learning deck answers: read-outs, loss, and whether an answer is right, as nodes of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from netlists.measure.control import SILENT, ending, voltage
from netlists.self_learning.learning import STEPS, SelfLearning
from netlists.self_learning.presentation import Presentation, PresentationNodes
from netlists.self_learning.supply import Supply
from netlists.self_learning.twin_circuits import TwinCircuits
from netlists.text.numbers import plain
from netlists.write.names import free_stem

_LISTED = 16
"""Most samples whose outputs are printed one by one."""

_KEPT = 500
"""Most memories whose voltages are kept over time, to be plotted."""

_A_LINE = 12
"""Terms of a sum in one line."""


def node_names(circuit: Circuit, *, classes: bool) -> tuple[str, ...]:
    """Name the nodes of the loss and, where targets are classes, of whether an answer is right."""
    return tuple(free_stem(circuit, name) for name in (("loss", "right") if classes else ("loss",)))


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The read-outs of a circuit, of twins their mean: what it answers.

    Parameters
    ----------
    twins, shown
        The circuit, and its samples.
    classes
        What outputs are drawn to for each class, shape (classes, K) [V]; None of real targets.
    offsets
        What the converters add to each output [V], shape (K,).

    """

    twins: TwinCircuits
    shown: Presentation
    classes: NDArray[np.float64] | None
    offsets: NDArray[np.float64]

    @property
    def _answer(self) -> str:
        return free_stem(self.twins.circuit, "answer")

    @property
    def _twins(self) -> bool:
        return len(self.twins.copies) > 1

    @property
    def _loss(self) -> str:
        return free_stem(self.twins.circuit, "loss")

    @property
    def _right(self) -> str:
        return free_stem(self.twins.circuit, "right")

    @property
    def saved(self) -> list[str]:
        """The voltages that are kept of each presentation."""
        names = [f"{self._answer}_{k}" for k in range(len(self.offsets))] + [self._loss]
        return [voltage(name) for name in (*names, *([self._right] if self.classes is not None else []))]

    def errors(self, learning: SelfLearning) -> Iterator[str]:
        """Write the error of each output, that of the mean answer or of a twin that is left free, and what it pushes into each twin."""
        names, mean = PresentationNodes.of(self.twins), learning.sides[1] != 0
        yield f"* The error is that of {'the mean of both answers' if mean else 'the free answer'}: what is pushed does not change it."
        for k, offset in enumerate(plain(self.offsets, "offset")):
            read = self._read(k, self.twins.copies if mean else self.twins.copies[1:], offset)
            yield f"B_{names.error}_{k} {names.error}_{k} 0 V = V({names.target}_{k}) - ({read})"
            yield from (f"B_{push}_{k} {push}_{k} 0 V = V({push})*V({names.error}_{k})" for push in names.pushes)

    def _read(self, k: int, copies: Sequence[Circuit], offset: str) -> str:
        """Write the read-out of an output: of several copies their mean."""
        outputs = self.twins.circuit.outputs
        ends = [(copy.node_names[int(outputs.plus[k])], copy.node_names[int(outputs.minus[k])]) for copy in copies]
        read = " + ".join(f"V({plus},{minus})" for plus, minus in ends)
        added = "" if float(offset) == 0 else f" + {offset}"
        return f"{f'0.5*({read})' if len(copies) > 1 else read}{added}"

    def cards(self) -> Iterator[str]:
        """Write the nodes of the answers."""
        target = PresentationNodes.of(self.twins).target
        yield "*"
        yield f"* What the circuit answers{', the mean of both twins' if self._twins else ''}: less of V(loss) is better."
        for k, offset in enumerate(plain(self.offsets, "offset")):
            yield f"B_{self._answer}_{k} {self._answer}_{k} 0 V = {self._read(k, self.twins.copies, offset)}"
        errors = [f"(V({target}_{k})-V({self._answer}_{k}))" for k in range(len(self.offsets))]
        yield from _sum(f"B_{self._loss} {self._loss} 0 V = 0.5*(", [f"{one}*{one}" for one in errors], ")")
        if self.classes is not None:
            yield from self._scores(self.classes, target)

    def _scores(self, classes: NDArray[np.float64], target: str) -> Iterator[str]:
        """Write the score of each class, its own target's, and whether that is the largest."""
        score = free_stem(self.twins.circuit, "score")
        yield "* The answer is the class whose targets t are nearest to the outputs y: that of the largest sum of y*t - t*t/2."
        for number, targets in enumerate(classes):
            words = plain(targets, "target")
            terms = [f"V({self._answer}_{k})*({word})" for k, word in enumerate(words) if float(word)]
            (half,) = plain([0.5 * float((targets**2).sum())], "target")
            yield from _sum(f"B_{score}_{number} {score}_{number} 0 V = ", [*terms, f"-{half}"], "")
        products = [f"V({self._answer}_{k})*V({target}_{k})-0.5*V({target}_{k})*V({target}_{k})" for k in range(classes.shape[1])]
        best = reduce("max({},{})".format, (f"V({score}_{k})" for k in range(len(classes))))
        yield from _sum(f"B_{score}_own {score}_own 0 V = ", products, "")
        yield f"B_{score}_best {score}_best 0 V = {best}"
        yield f"B_{self._right} {self._right} 0 V = V({score}_own) > V({score}_best) - 1e-12 ? 1 : 0"

    def commands(self, memories: Sequence[str], supply: Supply) -> Iterator[str]:
        """Write the commands that run the deck, and print what it answered before and after, and what power it took meanwhile."""
        shown, learning = self.shown, self.shown.learning
        period, stop, step = plain([learning.period, shown.shown * learning.period, learning.period / STEPS], "time")
        yield "*"
        yield "* What ngspice does with it. linearize makes a row of each presentation: row k is the end of the k-th."
        kept = [*self.saved, *supply.saved, *(map(voltage, memories) if len(memories) <= _KEPT else ())]
        yield from (f".save {' '.join(kept[k : k + _A_LINE])}" for k in range(0, len(kept), _A_LINE))
        yield from (f".tran {period} {stop} 0 {step} uic", ".control", "set noaskquit", SILENT, "set numdgt=16")
        yield from (f"echo {shown.shown} presentations are simulated and the answers before and after come in the end", "run")
        yield "set whole = $curplot"
        yield from (f"linearize {' '.join(self.saved)}", "echo")
        for when, row in (("before", 1), ("after", 1 + shown.shown - shown.count)):
            yield from self._listed(when, row)
        yield from self._counted()
        yield from ("echo", f"echo power of {'both twins' if self._twins else 'the circuit'} while learning in watts", "setplot $whole")
        yield from supply.commands(*plain([shown.begin, shown.end], "time"))
        yield from ending([f"plot {voltage(self._loss)} ylabel V^2 title loss"])

    def _listed(self, when: str, row: int) -> Iterator[str]:
        """Print the outputs of the first samples of a tour."""
        for k, sample in enumerate(self.shown.tour[:_LISTED]):
            for output in range(len(self.offsets)):
                (wanted,) = plain([round(float(self.shown.y[sample, output]), 9)], "target")
                yield f"let value = {self.saved[output]}[{row + k}]"
                yield f"echo {when}: sample {sample} output {output}: $&value V wanted {wanted} V"

    def _counted(self) -> Iterator[str]:
        """Print how many answers are right, and the mean losses, before and after."""
        shown = self.shown
        held_out = shown.count - shown.trained
        parts = [("held-out", 0, held_out)] if held_out else []
        parts.append(("training" if held_out else "", held_out, shown.count))
        for when, begin in (("before", 1), ("after", 1 + shown.shown - shown.count)):
            for called, first, end in parts:
                rows = f"[{begin + first},{begin + end - 1}]"
                of = f" {called}" if called else ""
                yield f"let loss_mean = mean({voltage(self._loss)}{rows})"
                if self.classes is not None:
                    yield f"let right_count = floor({end - first}*mean({voltage(self._right)}{rows}) + 0.5)"
                    yield f"echo {when}: $&right_count of {end - first}{of} answers right with loss $&loss_mean V^2"
                else:
                    yield f"echo {when}: {end - first}{of} answers with loss $&loss_mean V^2"


def _sum(head: str, terms: Sequence[Any], tail: str, between: str = " + ") -> Iterator[str]:
    rows = [between.join(terms[k : k + _A_LINE]) for k in range(0, len(terms), _A_LINE)]
    for k, row in enumerate(rows):
        begin = head if not k else f"+ {between.strip()} ".replace("+  ", "+ ")
        yield f"{begin}{row}{tail if k == len(rows) - 1 else ''}"
