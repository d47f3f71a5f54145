"""The body of a deck: sources, crossbars, subcircuits and outputs, each under a line that says what it is."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from circuits.chip import Chip
from circuits.circuit import Block, Circuit
from circuits.elements import Amplifiers, Crossbar, Elements, InputSources, Nudges
from netlists import subcircuits
from netlists.cards import LETTERS, flat, norton
from netlists.names import free_stem

EXTERNAL = "external"
"""The word of a source whose value a program gives through libngspice; the ngspice program itself does not know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the sources say that carry the data: a number, or EXTERNAL.

    Parameters
    ----------
    inputs
        By the name of the InputSources, one word a source; None leaves the source out.
    beta
        Of the transconductance of the nudges.
    targets, currents
        One word an output.
    folded
        Crossbars between ideal sources and columns, to be written as one resistor and one EXTERNAL current source a column.

    """

    inputs: Mapping[str, Sequence[str | None]]
    beta: str
    targets: Sequence[str]
    currents: Sequence[str]
    folded: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NudgeNodes:
    """Nodes whose voltages say what pushes the outputs. The source of each is called V_ and the name of its node."""

    beta: str
    targets: tuple[str, ...]
    currents: tuple[str, ...]

    @classmethod
    def of(cls, circuit: Circuit) -> Self:
        """Name them after the outputs, as no node of the circuit is named."""
        stem, count = free_stem(circuit, circuit.outputs.name), range(len(circuit.outputs))
        return cls(beta=f"{stem}_beta", targets=tuple(f"{stem}_y_{k}" for k in count), currents=tuple(f"{stem}_i_{k}" for k in count))


def blocks(circuit: Circuit) -> dict[str, Block]:
    """Give, by the name of each element that is written as part of a subcircuit, the block that is one instance an index."""
    lone = [Block(e.name, kind, (e.name,)) for cls, kind in ((Amplifiers, "amplifier"), (Nudges, "nudge")) for e in circuit.of(cls)]
    known = [block for block in circuit.blocks if block.kind != "nudge" and subcircuits.fits(block, circuit)]
    return {name: block for block in [*lone, *known] for name in block.elements}


def sections(circuit: Circuit, chip: Chip, g: Mapping[str, Any], words: Words) -> Iterator[str]:
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
        What the sources say that carry the data.

    Yields
    ------
    str
        The lines.

    """
    of, done = blocks(circuit), set[str]()
    for element in circuit.elements:
        block = of.get(element.name)
        if block is None:
            yield from _flat(circuit, chip, g, words, element)
        elif block.name not in done:
            done.add(block.name)
            yield from ("*", f"* {_said(block, circuit)}")
            yield from _nudges(block, circuit, chip, words) if block.kind == "nudge" else subcircuits.instances(block, circuit, chip)


def _said(block: Block, circuit: Circuit) -> str:
    what = "Outputs" if block.kind == "nudge" else "Amplifiers" if block.kind == "amplifier" else "Neurons"
    return f"{what} {block.name}: X_{block.name}_k, each a subcircuit {block.kind}; {len(circuit[block.elements[0]])} of them"


def _flat(circuit: Circuit, chip: Chip, g: Mapping[str, Any], words: Words, element: Elements) -> Iterator[str]:
    names, kind = circuit.node_names, type(element).__name__
    name = f"{LETTERS[type(element)]}_{element.name}"
    if isinstance(element, Crossbar):
        rows, columns = element.shape
        if element.name in words.folded:
            yield from ("*", f"* {kind} {element.name}, its {rows} rows folded into one resistor and one current source a column")
            yield from norton(element, g[element.name], names, EXTERNAL)
            return
        yield from ("*", f"* {kind} {element.name}: {name}_i_j from row i to column j; {rows} rows, {columns} columns")
    else:
        yield from ("*", f"* {kind} {element.name}: {name}_k; {len(element)} of them")
    said = words.inputs[element.name] if isinstance(element, InputSources) else None
    yield from flat(element, chip, g, names, said)


def _nudges(block: Block, circuit: Circuit, chip: Chip, words: Words) -> Iterator[str]:
    nodes = NudgeNodes.of(circuit)
    yield "* The voltages of these nodes are beta [S], the targets y [V] and the currents i [A]; 0 of beta and i is the free phase."
    yield f"V_{nodes.beta} {nodes.beta} 0 {words.beta}"
    for named, said in ((nodes.targets, words.targets), (nodes.currents, words.currents)):
        yield from (f"V_{node} {node} 0 {word}" for node, word in zip(named, said, strict=True))
    extra = [(nodes.beta, y, i) for y, i in zip(nodes.targets, nodes.currents, strict=True)]
    yield from subcircuits.instances(block, circuit, chip, extra)
