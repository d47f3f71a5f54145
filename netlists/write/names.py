"""Names in a deck: those of the circuit, and free ones for what the deck adds, so that no two parts are called alike."""

from collections import Counter
from collections.abc import Iterator

from circuits.circuit import Circuit
from circuits.errors import CircuitError
from netlists.write.cards import letter


def check_names(circuit: Circuit) -> None:
    """Refuse names that would mean something else in a netlist.

    Raises
    ------
    CircuitError
        When a node would be taken for ground, or two parts would get the same names there.

    """
    if any(group.name == "gnd" and group.size is None for group in circuit.groups):
        msg = f"{circuit.name}: SPICE takes a node called 'gnd' for ground; rename the group"
        raise CircuitError(msg)
    parts = Counter([*((letter(e), e.name) for e in circuit.elements), *(("X", block.name) for block in circuit.blocks)])
    for (begins, name), count in parts.items():
        twins = [name] if count > 1 else [stem for stem in _stems(name) if (begins, stem) in parts]
        if twins:
            msg = f"{circuit.name}: parts of {twins[0]!r} and of {name!r} would have the same names in a netlist; rename one"
            raise CircuitError(msg)


def _stems(name: str) -> Iterator[str]:
    """Take the numbers off the end of a name, one by one: w_1_2 gives w_1, then w."""
    stem, _, number = name.rpartition("_")
    while number.isdigit():
        yield stem
        stem, _, number = stem.rpartition("_")


def free_stem(circuit: Circuit, name: str) -> str:
    """Return `name`, with underscores behind it until no other name of the circuit begins with it."""
    taken = [group.name for group in circuit.groups] + [element.name for element in circuit.elements if element is not circuit.outputs]
    taken += [block.name for block in circuit.blocks]
    while any(other == name or other.startswith(f"{name}_") for other in taken):
        name += "_"
    return name
