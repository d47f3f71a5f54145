"""Outputs as an answer: the class that they mean, computed by ngspice from its own voltages, and whether it is the sample's."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from circuits.units import Volt
from netlists.measure.control import Outputs, in_phases, output_voltages, readings
from netlists.text.numbers import plain
from netlists.write.names import free_stem

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
"""What a command of ngspice might take for more than a name."""

_LONGEST = 40

_TERMS = 12
"""Terms of a sum in one line."""

CLASSES = 1000
"""Most classes that a deck compares."""


@dataclass(frozen=True, slots=True, eq=False)
class Answered(Outputs):
    """The read-outs, and after all phases the class that those of the free phase mean.

    Parameters
    ----------
    names
        Of the classes.
    table
        What outputs are drawn to for each class, shape (classes, K) [V].
    label
        The sample's class, from 0.
    offsets
        What the converters add to each output [V]; none: nothing.

    """

    names: Sequence[str]
    table: NDArray[np.float64]
    label: int
    offsets: Sequence[Volt] = ()

    def describe(self, phases: int) -> str:
        """Describe it in a line."""
        return f"It prints the outputs of one sample, {in_phases(phases)}, and the class that they mean"

    def verdict(self, circuit: Circuit) -> Iterator[str]:
        """Choose the class whose targets are nearest to the outputs, and print whether it is the sample's."""
        score, best, answer = (free_stem(circuit, name) for name in ("score", "best", "answer"))
        outputs = readings(output_voltages(circuit)[0], self.offsets)
        yield "* The answer is the class whose targets t are nearest to the outputs y: that of the largest sum of y*t - t*t/2."
        for number, targets in enumerate(self.table):
            name = score if number else best
            (half,) = plain([-0.5 * float((targets**2).sum())], "targets")
            terms = [f"{word}*{output}" for word, output in zip(plain(targets, "targets"), outputs, strict=True)]
            yield f"let {name} = {half}"
            yield from (f"let {name} = {name} + {' + '.join(terms[k : k + _TERMS])}" for k in range(0, len(terms), _TERMS))
            if number:
                yield from (f"if {score} gt {best}", f"let {best} = {score}", f"let {answer} = {number}", "end")
            else:
                yield f"let {answer} = 0"
        names = [_UNSAFE.sub("_", name)[:_LONGEST] or str(number) for number, name in enumerate(self.names)]
        for number, name in enumerate(names):
            right = "right" if number == self.label else f"wrong: the sample is of class {names[self.label]}"
            yield from (f"if {answer} = {number}", f"echo verdict: the circuit answers class {name}: {right}", "end")
