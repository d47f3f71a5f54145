"""The decks of a chain: one a circuit block, driven by what one sample makes of the blocks before it."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

from hwsim.chains.chain import Chain
from hwsim.chains.chain_rule import Boundary
from hwsim.core.protocol import Push
from hwsim.experiment.experiment import ExperimentError
from hwsim.learning import factory
from hwsim.learning.rules.equilibrium_propagation import SIDES
from hwsim.learning.rules.nudges import Sides
from hwsim.session import Session
from netlists.measure.control import OUTPUTS, DeckMeasure
from netlists.write.writer import write_deck

_SHOWN = 12
"""Most numbers between blocks that a deck lists."""


def decks(
    session: Session,
    g: Mapping[str, Any],
    *,
    part: Literal["test", "train"] = "test",
    sample: int = 0,
    note: str = "",
    measure: DeckMeasure = OUTPUTS,
) -> dict[str, str]:
    """Write the deck of each circuit of a chain, free and nudged by the error that comes back to it, by the name of its file.

    Raises
    ------
    ConvergenceError
        When a circuit has no equilibrium.
    ExperimentError
        When the chain has no circuit.

    """
    chain: Any = session.made
    if not chain.circuits:
        msg = f"{session.experiment.name}: the chain has digital blocks alone, and no circuit to write a netlist of"
        raise ExperimentError(msg)
    x, y = getattr(session.data, f"x_{part}")[sample : sample + 1], getattr(session.task, part).of(slice(sample, sample + 1))
    with session.changed("training", engine="numeric").solver() as solver:
        ends = chain.rule.quiet.errors(solver, g, x, y, factory.loss(session.experiment.training))
    which = f"Sample {sample} of the {part} set of {session.data.name}"
    return {
        f"b{k + 1}.cir": write_deck(
            one.circuit,
            one.chip,
            (of_circuit := {element.name: g[element.name] for element in one.circuit.trainable}),
            x=ends[k].x[0],
            pushes=[(push.beta, 0.0, np.asarray(push.current)[0]) for push in _pushes(chain, k, of_circuit, ends[k])],
            notes=(which, *_about(chain, k, ends), *([note] if note else [])),
            measure=measure,
        )
        for k, one in chain.circuits.items()
    }


def _pushes(chain: Chain, k: int, g: Mapping[str, Any], end: Boundary) -> tuple[Push, ...]:
    """Return the nudges of a block's outputs; those of rules without any are the block's own, as equilibrium propagation takes them."""
    one: Any = chain.circuits[k]
    nudge = factory.nudge(one.experiment.training).at(one.circuit, g)
    sides = SIDES[one.experiment.training.nudge.method]
    return Sides(nudge, sides).pushes(end.outputs, end.error, None)


def _about(chain: Chain, k: int, ends: list[Boundary]) -> Iterator[str]:
    """Describe the block, what drives it, and what is made of its outputs."""
    blocks = chain.blocks
    yield f"Block {k + 1} of {len(blocks)}: {blocks[k].described}"
    for number, block in enumerate(blocks[:k]):
        yield f"Before it, block {number + 1} ({block.described}) makes: {_listed(ends[number].outputs)}"
    yield f"Its sources are driven by: {_listed(ends[k].x)}"
    yield f"It makes: {_listed(ends[k].outputs)}"
    for number, block in enumerate(blocks[k + 1 :], start=k + 1):
        yield f"After it, block {number + 1} ({block.described}) makes: {_listed(ends[number].outputs)}"
    yield f"Its outputs are nudged against the error that comes back to them: {_listed(ends[k].error)}"


def _listed(values: Any) -> str:
    row = np.asarray(values)[0].tolist()
    more = f" … ({len(row)} numbers)" if len(row) > _SHOWN else ""
    return " ".join(f"{value:.6g}" for value in row[:_SHOWN]) + more
