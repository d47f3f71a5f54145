"""The body of a deck: sources, crossbars, subcircuits and outputs, each under a line that names what it is."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from circuits.arrays import Divisible
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.controlled import CurrentControlledCurrentSources, CurrentControlledVoltageSources
from circuits.elements import Amplifiers, Elements, InputCurrents, InputSources, Nudges
from circuits.topology import Block
from netlists.write import statements, subcircuits
from netlists.write.cards import flat, letter, norton
from netlists.write.names import free_stem

EXTERNAL = "external"
"""The word of a source whose value a program gives through libngspice; the ngspice program itself does not know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Values of the sources that carry the data: a number, or EXTERNAL.

    Parameters
    ----------
    inputs
        By the name of an array of sources of the data, one word a source; None leaves the source out.
    beta
        Of the transconductance of the nudges.
    targets, currents
        One word an output.
    folded
        Arrays between ideal sources and columns, to be written as one resistor and one EXTERNAL current source a column.

    """

    inputs: Mapping[str, Sequence[str | None]]
    beta: str
    targets: Sequence[str]
    currents: Sequence[str]
    folded: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NudgeNodes:
    """Nodes whose voltages set what pushes the outputs. The source of each is called V_ and the name of its node."""

    beta: str
    targets: tuple[str, ...]
    currents: tuple[str, ...]

    @classmethod
    def of(cls, circuit: Circuit) -> Self:
        """Name them after the outputs, as no node of the circuit is named."""
        stem, count = free_stem(circuit, circuit.outputs.name), range(len(circuit.outputs))
        return cls(beta=f"{stem}_beta", targets=tuple(f"{stem}_y_{k}" for k in count), currents=tuple(f"{stem}_i_{k}" for k in count))


def _kind(element: Elements, chip: Chip) -> str:
    """Choose the subcircuit of amplifiers or nudges: the plainest that holds what the chip makes of them."""
    if isinstance(element, Amplifiers):
        return "resistive_amplifier" if chip(element.name, "output_resistance").all() else "amplifier"
    return "skewed_nudge" if (chip(element.name, "gain") != 1).any() else "nudge"


def blocks(circuit: Circuit, chip: Chip) -> dict[str, Block]:
    """Return, by the name of each element that is written as part of a subcircuit, the block that is one instance an index.

    Sources whose current is sensed stand alone: they cannot be named from outside of a subcircuit.
    """
    lone = [Block(e.name, _kind(e, chip), (e.name,)) for e in circuit.of(Amplifiers, Nudges) if len(e)]
    sensed = {element.source for element in circuit.of(CurrentControlledCurrentSources, CurrentControlledVoltageSources)}
    by_chip = {*subcircuits.AMPLIFIERS, "nudge", "skewed_nudge"}
    in_library = [b for b in circuit.blocks if b.kind not in by_chip and not sensed & {*b.elements} and subcircuits.fits(b, circuit)]
    return {name: block for block in [*lone, *in_library] for name in block.elements}


@dataclass(frozen=True, slots=True)
class DeckSection:
    """Cards that belong together, and what they are: for people, and as structured comments.

    `elements` are the arrays in it, `block` the block that stands as subcircuits.
    """

    title: str
    cards: list[str]
    statements: list[str]
    elements: tuple[str, ...]
    block: str | None = None

    def lines(self) -> list[str]:
        """Return the cards under their title."""
        return ["*", f"* {self.title}", *self.statements, *self.cards]


def sections(circuit: Circuit, chip: Chip, g: Mapping[str, Any], words: Words, ideal: Collection[str]) -> Iterator[DeckSection]:
    """Write all elements, in the circuit's order.

    Parameters
    ----------
    circuit
        A circuit without ideal diodes (they are to be `sharpened`).
    chip
        Whose values are written.
    g
        Conductances [S], one array a trainable element.
    words
        Values of the sources that carry the data.
    ideal
        The names of diodes that stand for ideal ones.

    Yields
    ------
    DeckSection
        An element array, or those of one block.

    """
    of, done = blocks(circuit, chip), set[str]()
    for element in filter(len, circuit.elements):
        block = of.get(element.name)
        if block is None:
            yield _flat(circuit, chip, g, words, element, list(statements.array(element, chip, ideal)))
        elif block.name not in done:
            done.add(block.name)
            yield _nudges(block, circuit, chip, words) if isinstance(element, Nudges) else _instances(block, circuit, chip, ideal)


def _flat(circuit: Circuit, chip: Chip, g: Mapping[str, Any], words: Words, element: Elements, comments: list[str]) -> DeckSection:
    names, what = circuit.node_names, f"{type(element).__name__} {element.name}"
    card = f"{letter(element)}_{element.name}"
    if isinstance(element, Divisible):
        if element.name in words.folded:
            rows, columns = len(element.rows), len(element.columns)
            title = f"{what}: its {rows} rows folded into {card}_j and I_{element.name}_j at column j; {columns} columns"
            return DeckSection(title, list(norton(element, g[element.name], names, EXTERNAL)), [], (element.name,))
        title = f"{what}: {card}_i_j joins {element.legend}"
    else:
        title = f"{what}: {card}_k; {len(element)} of them"
    values = words.inputs[element.name] if isinstance(element, InputSources | InputCurrents) else None
    return DeckSection(title, list(flat(element, chip, g, names, values)), comments, (element.name,))


def _instances(block: Block, circuit: Circuit, chip: Chip, ideal: Collection[str]) -> DeckSection:
    what = "Amplifiers" if block.kind in subcircuits.AMPLIFIERS else "Block"
    drawn = subcircuits.of_chip(block, circuit, chip)
    title = f"{what} {block.name}: X_{block.name}_k, each a subcircuit {drawn.kind}; {len(circuit[block.elements[0]])} of them"
    cards, comments = list(subcircuits.instances(drawn, circuit, chip)), list(statements.block(block, circuit, ideal))
    return DeckSection(title, cards, comments, block.elements, block.name if block in circuit.blocks else None)


def _nudges(block: Block, circuit: Circuit, chip: Chip, words: Words) -> DeckSection:
    nodes = NudgeNodes.of(circuit)
    title = f"Outputs {block.name}: X_{block.name}_k reads and pushes the pair of nodes that it names first; {len(circuit.outputs)} of them"
    stems = [names[0].rpartition("_")[0] for names in (nodes.targets, nodes.currents)]
    described = f"* The voltages of {nodes.beta}, {stems[0]}_k and {stems[1]}_k say how: beta in S, the target in V, a current in A."
    cards = [described, f"V_{nodes.beta} {nodes.beta} 0 {words.beta}"]
    for named, values in ((nodes.targets, words.targets), (nodes.currents, words.currents)):
        cards += [f"V_{node} {node} 0 {word}" for node, word in zip(named, values, strict=True)]
    extra = [(nodes.beta, y, i) for y, i in zip(nodes.targets, nodes.currents, strict=True)]
    comments = list(statements.outputs(circuit, chip, [f"V_{nodes.beta}", *(f"V_{stem}_#" for stem in stems)]))
    return DeckSection(title, [*cards, *subcircuits.instances(block, circuit, chip, extra)], comments, block.elements)
