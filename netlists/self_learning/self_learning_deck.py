"""A self-learning circuit as a deck: two twins, memories, samples as sources, answers. Plain ngspice runs it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import GMIN, ZERO_CELSIUS
from netlists.self_learning import memories, presentation
from netlists.self_learning.answers import Answers
from netlists.self_learning.learning import SelfLearning
from netlists.self_learning.presentation import Presentation, PresentationNodes
from netlists.self_learning.supply import Supply
from netlists.self_learning.twin_circuits import TwinCircuits
from netlists.text.numbers import plain
from netlists.write import subcircuits
from netlists.write.ideal_diodes import sharpened, sharpened_chip
from netlists.write.names import check_names, free_stem
from netlists.write.sections import Words, blocks

TITLE = "an analog network that learns by itself, written by hwsim for ngspice"
"""What stands in the first line of such a deck."""


_AT_ONCE = """\
* The circuit stands here twice. Both twins see the same samples, and their memristors have the same conductances; but the
* outputs of one are pushed towards the targets, and those of the other as hard away from them (or left free). A memristor has voltage
* a in one twin and b in the other, and (a*a - b*b) / (4*beta) is the derivative of the loss by its conductance (in parts behind
* amplifiers, times a constant). So each memory, a capacitor whose voltage is a conductance, is charged by the difference of
* its own two squares, and by nothing else."""

_IN_TURN = """\
* The circuit stands here once, and has two phases in turn. In one its outputs are pushed away from the targets (or left free), in
* the other towards them. Switches put each memristor's voltage on a capacitor of its own in either phase: b, and then a. Then
* (a*a - b*b) / (4*beta) is the derivative of the loss by its conductance (in parts behind amplifiers, times a constant). So each
* memory, a capacitor whose voltage is a conductance, is charged by the difference of the two squares that are held next to it,
* and by nothing else. What is held does not move while memories learn: each cycle is one step down the gradient."""

_BY_KNOBS = """\
* The circuit stands here once, and nothing in it computes. Each conductance, the voltage of a memory, is drawn to that of a knob by
* a spring, and by its own memristor downwards: by the square of its voltage, which is how the energy of the circuit depends on it. In
* one phase the outputs are pushed away from the targets (or left free) while conductances stay and knobs move, until both pulls are
* in balance. In the other the outputs are pushed towards the targets while knobs stay, and the conductances give way: downwards
* where the square has become larger. For small moves that is a step down the gradient of the loss."""


def write_self_learning(  # noqa: PLR0913 - a circuit with all that it carries
    circuit: Circuit,
    chip: Chip,
    g: Mapping[str, Any],
    shown: Presentation,
    *,
    classes: NDArray[np.float64] | None = None,
    offsets: NDArray[np.float64] | None = None,
    notes: Sequence[str] = (),
    embedded: Sequence[str] = (),
) -> str:
    """Write a deck that learns in one transient analysis: the same bytes for the same arguments.

    Parameters
    ----------
    circuit, chip
        The trainable circuit, and the chip whose parameters its elements have.
    g
        Conductances that learning starts from [S], one array a trainable element.
    shown
        The samples, and how they are learned.
    classes
        What outputs are drawn to for each class, shape (classes, K) [V]; None of real targets.
    offsets
        What the converters add to each output, shape (K,) [V].
    notes
        Lines on top.
    embedded
        Comments behind the header.

    Returns
    -------
    str
        The deck's text.

    Raises
    ------
    CircuitError
        When the circuit has parts that ngspice alone knows, or conductances or names do not fit.
    ValueError
        When a number is not finite.

    """
    circuit.check_conductances(g)
    check_names(circuit)
    sharp = sharpened(circuit)
    twins = TwinCircuits.of(sharp, sharpened_chip(chip), lone=shown.learning.cycles > 0)
    answers = Answers(twins, shown, classes, np.zeros(len(circuit.outputs)) if offsets is None else offsets)
    kept = [node for e in sharp.trainable for node in memories.memory_nodes(sharp, e)]
    text = [*_header(circuit, shown, notes), *embedded, *_settings(twins, shown.learning), *_library(twins, shown.learning)]
    inputs, parts = list(presentation.inputs(twins)), list(twins.sections(_words(twins)))
    supply = Supply([*inputs, *(card for part in parts for card in part.cards)], free_stem(sharp, "watts"))
    text += [*shown.cards(twins), "*", "* The sources of the data follow their features.", *inputs]
    text += [line for part in parts for line in ("*", f"* {part.title}", *part.cards)]
    for element in sharp.trainable:
        text += ["*", f"* The memristors of {element.name}: a memory for each conductance, each device, and how its memory learns."]
        text += memories.cards(twins, element, g[element.name], shown.learning)
    text += ["*", "* The outputs: each is pushed to its side of the target.", *_nudges(answers, shown.learning)]
    text += [*answers.cards(), *answers.commands(kept, supply), ".end"]
    return "\n".join(text) + "\n"


def _header(circuit: Circuit, shown: Presentation, notes: Sequence[str]) -> Iterator[str]:
    learning = shown.learning
    yield f"* {' '.join(circuit.name.split())}: {TITLE}"
    yield from (f"* {line}" for note in notes for line in note.splitlines())
    yield "*"
    yield "* Run it: ngspice FILE plots the loss and stays open; ngspice -b FILE prints what it answers before and after, and ends."
    yield "*"
    yield from (_BY_KNOBS if learning.knobs else _IN_TURN if learning.cycles else _AT_ONCE).splitlines()
    yield "*"
    yield f"* {shown.count} samples are shown once, then {shown.trained} of them {learning.epochs} times while it learns, and all again."
    yield f"* Each is shown for {learning.period:g} s. A volt of a memory is {learning.volt:g} siemens. Numbers are SI, without suffixes."


def _settings(twins: TwinCircuits, learning: SelfLearning) -> Iterator[str]:
    """Write tolerances far below what a nudge moves; trtol leaves it to the longest step how finely memories are followed."""
    (gmin,) = plain([GMIN], "gmin")
    celsius = round(twins.chip.temperature - ZERO_CELSIUS, 9)
    yield "*"
    yield f".options reltol=1e-8 vntol=1e-11 abstol=1e-15 trtol=1e4 gmin={gmin} temp={celsius} tnom=27.0 rshunt=1e15"
    yield ".options itl1=200 itl4=100 pivrel=0.5 pivtol=1e-18"
    if learning.cycles:
        yield "* By trapezoids a capacitor that is shorter than a step swings about what it follows; by Gear's method it settles."
        yield ".options method=gear"


def _library(twins: TwinCircuits, learning: SelfLearning) -> Iterator[str]:
    """Write the subcircuits that the deck uses."""
    used = dict.fromkeys(subcircuits.of_chip(b, twins.circuit, twins.chip).kind for b in blocks(twins.circuit, twins.chip).values())
    for kind in (*used, "memory", learning.memristor, learning.rule):
        yield "*"
        yield from subcircuits.text(kind).splitlines()


def _words(twins: TwinCircuits) -> Words:
    zeros = ["0"] * len(twins.circuit.outputs)
    return Words(inputs={e.name: ["0"] * len(e) for e in twins.circuit.inputs}, beta="0", targets=zeros, currents=zeros)


def _nudges(answers: Answers, learning: SelfLearning) -> Iterator[str]:
    """Write what pushes the outputs: of twins by the error that both have in common, so that no nudge adds to a conductance."""
    twins = answers.twins
    names, outputs = PresentationNodes.of(twins), twins.circuit.outputs
    inside = blocks(twins.circuit, twins.chip)[outputs.name]
    drawn = [[(push, f"{names.target}_{k}", "0") for k in range(len(outputs))] for push in names.pushes]
    if not learning.cycles:
        yield from answers.errors(learning)
        drawn = [[("0", "0", f"{push}_{k}") for k in range(len(outputs))] for push in names.pushes]
    for copy, named, extra in zip(twins.copies, twins.names, drawn, strict=True):
        block = type(inside)(named[inside.name], inside.kind, tuple(named[name] for name in inside.elements))
        chip = Chip(copy, {named[name]: values for name, values in twins.chip.values.items()})
        yield from subcircuits.instances(block, copy, chip, extra)
