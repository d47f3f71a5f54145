"""The decks of a chain: one a circuit block, driven by what one sample makes of the blocks before it."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from hwsim.chains.chain import Chain
from hwsim.chains.chain_rule import Boundary
from hwsim.core.protocol import Push
from hwsim.experiment.experiment import ExperimentError
from hwsim.learning import factory, rule_factory
from hwsim.learning.rules.equilibrium_propagation import SIDES
from hwsim.learning.rules.nudges import Sides
from hwsim.session import Session
from netlists.measure.control import OUTPUTS, DeckMeasure
from netlists.write.writer import write_deck

_SHOWN = 12
"""Most numbers between blocks that a deck lists."""


class ShownSample(NamedTuple):
    """What decks show: a sample of a set, and the position of a kernel's window, row by row from 0 on; None: the middle of its maps."""

    part: Literal["test", "train"] = "test"
    sample: int = 0
    position: int | None = None


def decks(
    session: Session,
    g: Mapping[str, Any],
    shown: ShownSample,
    *,
    note: str = "",
    measure: DeckMeasure = OUTPUTS,
) -> dict[str, str]:
    """Write the deck of each circuit of a chain, free and nudged by the error that comes back to it, by the name of its file.

    Raises
    ------
    ConvergenceError
        When a circuit has no equilibrium.
    ExperimentError
        When the chain has no circuit, or no such position.

    """
    chain: Any = session.made
    if not chain.circuits:
        msg = f"{session.experiment.name}: the chain has digital blocks alone, and no circuit to write a netlist of"
        if session.experiment.reservoir is not None:
            msg += "; --measure transient writes that of its reservoir"
        raise ExperimentError(msg)
    part, sample, position = shown
    places = _places(chain, position)
    x, y = getattr(session.data, f"x_{part}")[sample : sample + 1], getattr(session.task, part).of(slice(sample, sample + 1))
    with session.changed("training", engine="numeric").solver() as solver:
        ends = chain.rule.quiet.errors(solver, g, x, y, factory.loss(session.experiment.training))
    which = f"Sample {sample} of the {part} set of {session.data.name}"
    written = {}
    for k, one in chain.circuits.items():
        of_circuit, end = {element.name: g[element.name] for element in one.circuit.trainable}, _at(chain, k, ends[k], places[k])
        written[f"b{k + 1}.cir"] = write_deck(
            one.circuit,
            one.chip,
            of_circuit,
            x=end.x[0],
            pushes=[(push.beta, 0.0, np.asarray(push.current)[0]) for push in _pushes(chain, k, of_circuit, end)],
            notes=(which, *_about(chain, k, ends, end, places[k]), *([note] if note else [])),
            measure=measure,
        )
    return written


def _places(chain: Chain, position: int | None) -> dict[int, int]:
    """Return the position of each circuit's window that its deck is of, by the number of its block."""
    counts = {k: chain.window(k).positions for k in chain.circuits}
    kernels = {k: count for k, count in counts.items() if count > 1}
    if position is not None and not kernels:
        msg = f"--position {position}: no block of {chain.experiment.name} has a window that moves; omit it"
        raise ExperimentError(msg)
    if position is not None and position >= kernels[k := min(kernels, key=kernels.__getitem__)]:
        msg = f"--position {position}: the window of blocks[{k}] has {kernels[k]} positions; use 0 to {kernels[k] - 1}"
        raise ExperimentError(msg)
    middles = {k: chain.window(k).across for k in counts}
    return {
        k: position if position is not None and k in kernels else down // 2 * right + right // 2 for k, (down, right) in middles.items()
    }


def _at(chain: Chain, k: int, end: Boundary, place: int) -> Boundary:
    """Return what a circuit sees and makes at a position, and the error that comes back to it there."""
    window = chain.window(k)
    outputs, error = (values.reshape(len(values), window.positions, -1)[:, place] for values in (end.outputs, end.error))
    return Boundary(window.patches(end.x)[:, place], outputs, error)


def _pushes(chain: Chain, k: int, g: Mapping[str, Any], end: Boundary) -> tuple[Push, ...]:
    """Return the nudges of a block's outputs; those of rules without any are the block's own, as equilibrium propagation takes them."""
    one: Any = chain.circuits[k]
    nudge = rule_factory.nudge(one.experiment.training).at(one.circuit, g)
    sides = SIDES[one.experiment.training.nudge.method]
    return Sides(nudge, sides).pushes(end.outputs, end.error, None)


def _about(chain: Chain, k: int, ends: list[Boundary], end: Boundary, place: int) -> Iterator[str]:
    """Describe the block, what drives it, and what is made of its outputs."""
    blocks, window = chain.blocks, chain.window(k)
    yield f"Block {k + 1} of {len(blocks)}: {blocks[k].described}"
    for number, block in enumerate(blocks[:k]):
        yield f"Before it, block {number + 1} ({block.described}) makes: {_listed(ends[number].outputs)}"
    if window.positions > 1:
        row, column = divmod(place, window.across[1])
        yield (
            f"It settles at {window.positions} positions of its window, one after the other. This is position {place}, row {row} and "
            f"column {column} of {' × '.join(map(str, window.across))}"
        )
    yield f"Its sources are driven by: {_listed(end.x)}"
    yield f"It makes: {_listed(end.outputs)}"
    for number, block in enumerate(blocks[k + 1 :], start=k + 1):
        yield f"After it, block {number + 1} ({block.described}) makes: {_listed(ends[number].outputs)}"
    yield f"Its outputs are nudged against the error that comes back to them: {_listed(end.error)}"


def _listed(values: Any) -> str:
    row = np.asarray(values)[0].tolist()
    more = f" … ({len(row)} numbers)" if len(row) > _SHOWN else ""
    return " ".join(f"{value:.6g}" for value in row[:_SHOWN]) + more
