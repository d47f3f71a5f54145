"""Outputs as predictions: what a deck prints where each output stands for a real target, in the target's own unit."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from circuits.circuit import Circuit
from circuits.units import Volt
from netlists.measure.control import Outputs, output_voltages, readings
from netlists.text.numbers import plain
from netlists.write.names import free_stem

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
"""What a command of ngspice might take for more than a name."""

_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Predicted(Outputs):
    """The read-outs, and at the end each target as the free phase predicts it and as it is.

    Parameters
    ----------
    names
        What the targets are called, K of them.
    true
        The sample's targets.
    offset, slope
        Of the scale: an output is offset + slope · target [V].
    offsets
        What the converters add to each output [V]; none: nothing.

    """

    names: Sequence[str]
    true: Sequence[float]
    offset: Sequence[Volt]
    slope: Sequence[float]
    offsets: Sequence[Volt] = ()

    def verdict(self, circuit: Circuit) -> Iterator[str]:
        """Compute the predictions from the outputs, and print them next to the truth."""
        stem, outputs = free_stem(circuit, "predicted"), readings(output_voltages(circuit)[0], self.offsets)
        columns = (plain(part, "targets") for part in (self.true, self.offset, self.slope))
        for k, (name, output, true, offset, slope) in enumerate(zip(self.names, outputs, *columns, strict=True)):
            called = _UNSAFE.sub("_", name)[:_LONGEST] or f"target_{k}"
            yield f"let {stem}_{k} = ({output} - ({offset}))/({slope})"
            yield f"echo verdict: {called} is predicted as $&{stem}_{k} and is {true}"
