"""What the blocks of a chain must be to fit together, and the training to fit them."""

import math
from collections.abc import Sequence

from circuits.quoting import quoted
from hwsim.settings.block_settings import DigitalBlock, shapes
from hwsim.settings.circuit_block import CircuitBlock
from hwsim.settings.digital_layers import Shape
from hwsim.settings.learning_kinds import EquilibriumPropagationRule, FollowingNudge, FrozenNudge, UpdateSettings
from hwsim.settings.propagation_kinds import EndToEnd
from hwsim.settings.training_settings import TrainingSettings

_PLAIN = {"rule": (EquilibriumPropagationRule(),), "nudge": (FollowingNudge(), FrozenNudge())}
"""Learning rule and nudge of a training that names none."""


def check_blocks(blocks: Sequence[DigitalBlock | CircuitBlock], training: TrainingSettings, before: Shape | None = None) -> int:
    """Refuse blocks that do not fit together, `before` or training; return the number of outputs."""
    if training.init == "netlist":
        msg = "training.init = 'netlist' needs a netlist circuit, but this is a chain of blocks; use 'uniform' or 'log-uniform'"
        raise ValueError(msg)
    for key in ("rule", "nudge"):
        if getattr(training, key) not in _PLAIN[key]:
            msg = f"training.{key} is of one circuit, and each block that is a circuit has its own; set blocks[0].{key}, and so on"
            raise ValueError(msg)
    if training.update != UpdateSettings():
        msg = "training.update is of one circuit, and this is a chain of blocks; omit it"
        raise ValueError(msg)
    if training.start_arrays is not None:
        msg = "training.start_arrays names arrays of one circuit, and a chain starts from all of what a chain learned; omit it"
        raise ValueError(msg)
    _check_least_squares(blocks, training)
    made = shapes(blocks, before)
    for k, block in enumerate(blocks):
        if isinstance(block, CircuitBlock):
            of_block = block.training(training)
            check_crossbars(
                f"blocks[{k}]" if block.rate is not None or block.g_init is not None else "training", of_block, block.circuit.crossbars
            )
            if training.engine == "ngspice" and block.rule.kind == "adjoint":
                msg = f"blocks[{k}].rule.kind = 'adjoint' is the numeric engine's; with ngspice use 'equilibrium-propagation'"
                raise ValueError(msg)
    check_propagation(blocks, training, made)
    return math.prod(made[-1][1])


def check_propagation(
    blocks: Sequence[DigitalBlock | CircuitBlock], training: TrainingSettings, ends: Sequence[tuple[Shape, Shape]]
) -> None:
    """Refuse chains that are too short for how errors are to get to their layers, and loads where none learns by its goodness."""
    settings = training.propagation
    where = f"training.propagation.kind = '{settings.kind}'"
    circuits = [(k, block.nudge.kind) for k, block in enumerate(blocks) if isinstance(block, CircuitBlock)]
    hidden = [k for k, _ in circuits if k < len(blocks) - 1]
    if settings != EndToEnd() and not hidden:
        msg = f"{where} is of layers before the last, each a circuit, and there is none; add a circuit, or choose 'end-to-end'"
        raise ValueError(msg)
    taken, made = (math.prod(end) for end in (ends[0][0], ends[-1][1]))
    if settings.local and (made < 2 or taken <= made):  # noqa: PLR2004 - classes
        msg = f"{where} needs one output a class and as many inputs for labels behind those of the features, and blocks[0] takes {taken}"
        raise ValueError(f"{msg}, and the last makes {made}; make both fit")
    for k, nudge in circuits:
        if nudge == "load" and (settings.kind != "forward-forward" or k not in hidden):
            msg = f"blocks[{k}].nudge.kind = 'load' is of hidden layers with training.propagation.kind = 'forward-forward'; use 'volts'"
            raise ValueError(msg)


def _check_least_squares(blocks: Sequence[DigitalBlock | CircuitBlock], training: TrainingSettings) -> None:
    """Refuse least squares of anything but one dense layer, in one pass, in 64 bits."""
    for k, block in enumerate(blocks):
        if not isinstance(block, DigitalBlock) or block.least_squares is None:
            continue
        what = f"blocks[{k}].optimizer.kind = '{block.least_squares.kind}'"
        if len(blocks) > 1 or not block.lone_dense:
            msg = f"{what} solves one dense layer with a bias, alone; omit what else there is, or use 'adam'"
            raise ValueError(msg)
        for key, needed in (("epochs", 1), ("precision", "float64")):
            if (given := getattr(training, key)) != needed:
                msg = f"{what} solves in one pass, in 64 bits, and training.{key} = {quoted(given)}; set it to {quoted(needed)}"
                raise ValueError(msg)
        if training.loss.kind != "squared-error":
            msg = f"{what} minimises squared errors, and training.loss.kind = '{training.loss.kind}'; set it to 'squared-error'"
            raise ValueError(msg)


def check_crossbars(table: str, training: TrainingSettings, crossbars: int) -> None:
    """Refuse as many step sizes or ranges as do not fit a circuit's crossbars."""
    for key, given in (("rate", training.rates(crossbars)), ("g_init", training.initial_ranges(crossbars))):
        if len(given) != crossbars:
            msg = f"{table}.{key} has {len(given)} entries for {crossbars} crossbars; give one, or one a crossbar"
            raise ValueError(msg)
