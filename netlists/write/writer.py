"""Circuit + chip + conductances to a deck that a person can read and that ngspice runs as it is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import TEMPERATURE, ZERO_CELSIUS
from circuits.elements import IdealDiodes
from circuits.errors import CircuitError
from netlists.foreign.written import write_user_deck
from netlists.measure.control import OUTPUTS, DeckMeasure, Inputs, Pushes
from netlists.read import features
from netlists.text.lines import ROLE
from netlists.text.numbers import plain
from netlists.write import statements, subcircuits
from netlists.write.ideal_diodes import sharpened, sharpened_chip
from netlists.write.names import check_names
from netlists.write.options import Tolerances, fitting, options
from netlists.write.sections import DeckSection, Words, blocks, sections

_CONVERTED = ", for which diodes have other values here: those of ideal ones know no temperature"


def write_deck(  # noqa: PLR0913 - a circuit with all that it carries
    circuit: Circuit,
    chip: Chip,
    g: Mapping[str, Any],
    *,
    x: Any,
    pushes: Pushes = (),
    notes: Sequence[str] = (),
    measure: DeckMeasure = OUTPUTS,
) -> str:
    """Write a deck: one file, complete, the same bytes for the same arguments.

    Parameters
    ----------
    circuit
        What to write. Ideal diodes, which SPICE has not, become sharp ones.
    chip
        Whose parameters the elements have.
    g
        Conductances [S], one array a trainable element.
    x
        Features of the sample that the deck shows, shape (I,).
    pushes
        What the nudges do after the free phase: one (beta [S], targets, shape (K,) [V], currents, shape (K,) [A]) a nudged phase.
    notes
        Lines on top, for instance where the conductances come from.
    measure
        What the deck prints.

    Returns
    -------
    str
        The deck's text.

    Raises
    ------
    CircuitError
        When conductances, features or names do not fit.
    ValueError
        When a number is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> circuit = hw.Network(inputs=2, outputs=1).compile("line")
    >>> text = hw.write_deck(circuit, hw.Chip.nominal(circuit), {"w1": np.full((5, 2), 1e-5)}, x=[0.5, -0.5])
    >>> text.rstrip().endswith(".end")
    True

    """
    circuit.check_conductances(g)
    sample = np.asarray(x, dtype=np.float64)
    if sample.shape != (circuit.input_count,):
        msg = f"{circuit.name}: the sample has shape {sample.shape}; the circuit takes {circuit.input_count} features"
        raise CircuitError(msg)
    plain(sample, "feature")
    if circuit.text is not None:
        return write_user_deck(circuit, chip, g, x=sample, pushes=pushes, notes=notes, measure=measure)
    circuit, chip = measure.extended(circuit, chip)
    inputs = _inputs(circuit, chip, sample)
    driven, cards = measure.driven(circuit, chip, inputs)
    zeros = ["0"] * len(circuit.outputs)
    body = Body.of(circuit, chip, g, Words(inputs=driven, beta="0", targets=zeros, currents=zeros), fitting(circuit))
    text = [*_header(circuit, chip, body, measure.describe(len(pushes)), notes), *body.lines(features.cards(circuit, sample)), *cards]
    if cards:  # the deck is no longer the circuit
        text = [line for line in text if ROLE not in line]
    return "\n".join([*text, *measure.control(circuit, chip, body.sections, pushes), ".end"]) + "\n"


@dataclass(frozen=True, slots=True)
class Body:
    """What decks for people and for engines share: the settings, the subcircuits that are used, all elements."""

    settings: list[str]
    library: list[str]
    sections: list[DeckSection]

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, g: Mapping[str, Any], words: Words, tolerances: Tolerances) -> Self:
        """Write a circuit.

        Parameters
        ----------
        circuit, chip, g
            As for `write_deck`.
        words
            Values of the sources that carry the data.
        tolerances
            When ngspice stops.

        """
        check_names(circuit)
        sharp, on_chip = sharpened(circuit), sharpened_chip(chip)
        kinds = dict.fromkeys(subcircuits.of_chip(block, sharp, on_chip).kind for block in blocks(sharp, on_chip).values())
        library = [line for kind in kinds for line in ("*", *subcircuits.text(kind).splitlines())]
        ideal = {element.name for element in circuit.of(IdealDiodes)}
        return cls(list(options(tolerances, on_chip.temperature)), library, list(sections(sharp, on_chip, g, words, ideal)))

    def lines(self, sample: Iterable[str] = ()) -> list[str]:
        """Return all cards, those of the sample before the sources that follow it."""
        return [*self.settings, *self.library, *sample, *(line for section in self.sections for line in section.lines())]


def _inputs(circuit: Circuit, chip: Chip, sample: NDArray[np.float64]) -> Inputs:
    """Write the value of each source of the data: how it follows its feature."""
    names, inputs = features.names(circuit), Inputs()
    for element in circuit.inputs:
        scale, offset = (chip(element.name, parameter) for parameter in ("scale", "offset"))
        plain(sample[element.feature] * scale + offset, f"{element.name}: volts")
        each = zip(element.feature.tolist(), scale.tolist(), offset.tolist(), strict=True)
        inputs[element.name] = [features.following(names[k], factor, added) for k, factor, added in each]
    return inputs


def _header(circuit: Circuit, chip: Chip, body: Body, summary: str, notes: Sequence[str]) -> Iterator[str]:
    """Describe what the deck is, how to run it, what it holds and what names mean."""
    name = " ".join(circuit.name.split())  # in one line
    yield f"* {name}: an analog network that learns, written by hwsim for ngspice"
    yield from (f"* {line}" for note in notes for line in note.splitlines())
    yield "*"
    yield "* Run it: ngspice FILE plots and stays open; ngspice -b FILE prints and ends."
    yield f"* {summary}."
    yield "*"
    yield "* Nodes, numbered within their group:"
    yield from statements.nodes(circuit)
    yield "*"
    yield "* What stands between them, in this order:"
    yield from (f"*   {section.title}" for section in body.sections)
    drawn = ", ".join(f"{parameter} of {name}" for name, values in chip.values.items() for parameter in values)
    yield f"* All values are nominal{f', but for what this chip has of its own: {drawn}' if drawn else ''}."
    if chip.temperature != TEMPERATURE:
        celsius, how = round(chip.temperature - ZERO_CELSIUS, 9), _CONVERTED if circuit.of(IdealDiodes) else ""
        yield f"* The chip has {celsius:g} degrees Celsius{how}."
    yield "* Numbers are SI, without suffixes. A conductance g stands as its resistance 1/g."
    yield f"* Lines that begin with {ROLE} tell hwsim what is what; other programs skip them."
    written = [name for section in body.sections for name in section.elements]
    yield from statements.header(circuit, written, [section.block for section in body.sections if section.block])
    yield "*"
