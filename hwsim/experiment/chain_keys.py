"""Keys of an experiment that no block of a chain takes up, and blocks that cannot learn: refused rather than without effect."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from hwsim.settings.block_settings import DigitalBlock, shapes
from hwsim.settings.circuit_block import CircuitBlock
from hwsim.settings.digital_layers import BatchNormLayer, DenseLayer, DigitalConvolution, DigitalLayer, ResidualLayer, Shape
from hwsim.settings.training_settings import TrainingSettings
from hwsim.settings.variation_settings import NoiseSettings

_LARGEST = 10**9
"""Weights of a layer, and numbers that it makes of a sample: 8 GB in 64 bits."""

_LEARNED = {"dense", "convolution", "batch-norm", "layer-norm", "rms-norm"}
"""Kinds of digital layers that have parameters."""

_LEARNING = ("optimizer", "rate", "g_init", "init", "engine")
"""Keys of `training` about circuits alone, the last about any circuit."""

_OF_CROSSBARS = ("device", "variation")
"""Sections about a dense layer that is a crossbar as well, as is reading noise."""

_IN_FRONT = ("variation", "solver")
"""Sections about a reservoir before the blocks as well."""


def refuse_idle(
    blocks: Sequence[DigitalBlock | CircuitBlock],
    training: TrainingSettings,
    before: Shape | None = None,
    *,
    crossbar: bool = False,
    **sections: BaseModel,
) -> None:
    """Refuse what has no effect on a chain.

    Parameters
    ----------
    blocks, training
        The chain, and how it learns.
    before
        Shape of what a reservoir before them makes, whose engine, solver and chips others of the keys are about; None: there is none.
    crossbar
        Whether the one block is a crossbar: it has devices, chips that differ, and noise of its outputs.
    sections
        The sections about circuits alone, `device`, `variation` and so on.

    Raises
    ------
    ValueError
        With the key and the remedy.

    """
    circuits = [(k, block) for k, block in enumerate(blocks) if isinstance(block, CircuitBlock)]
    if before is not None:
        sections = {name: section for name, section in sections.items() if name not in _IN_FRONT}
    if crossbar:
        _refuse_crossbar(blocks[0], sections["device"])
        noise = NoiseSettings.model_validate(sections["noise"].model_dump(exclude={"read", "read_floor"}))
        sections = {name: noise if name == "noise" else section for name, section in sections.items() if name not in _OF_CROSSBARS}
    if not circuits and (key := next(_set(training, sections, _LEARNING[:-1] if before else _LEARNING), "")):
        msg = f"{key} is about circuits that learn, and all blocks are digital; omit it, or add a block that is a circuit"
        raise ValueError(msg)
    if circuits and all(block.device is not None for _, block in circuits) and (key := next(_changed(sections["device"], "device"), "")):
        msg = f"{key} is of circuits without a device of their own, and each block has one; set blocks[{circuits[0][0]}].{key}, and so on"
        raise ValueError(msg)
    for k, block in circuits:
        low, high = next(((low, high) for low, high in block.training(training).initial_ranges() if low > high), (0.0, 0.0))
        if low > high:
            msg = f"blocks[{k}].g_init: its lower end {low:g} S is above its upper end {high:g} S; swap them"
            raise ValueError(msg)
    _refuse_digital(blocks, training, before)
    if not circuits and not any(_learns(block.layers) for block in blocks if isinstance(block, DigitalBlock)):
        msg = "nothing in the blocks learns; add a circuit, or a layer that does, such as kind = 'dense'"
        raise ValueError(msg)


def _refuse_crossbar(block: Any, device: Any) -> None:
    """Refuse ways of programming that do not write a whole weight at once where one is solved, and weights that shrink by themselves."""
    if block.least_squares is None:
        if getattr(block.optimizer, "decay", 0.0):
            msg = (
                f"blocks[0].optimizer.decay = {block.optimizer.decay:g} shrinks digital weights, and [device] makes a crossbar; set it to 0"
            )
            raise ValueError(msg)
        return
    what = f"blocks[0].optimizer.kind = '{block.least_squares.kind}' writes weights at once"
    if device.max_pulses != type(device).model_fields["max_pulses"].default:
        msg = f"device.max_pulses = {device.max_pulses} bounds the pulses of an update, and {what}, with as many as it takes; omit it"
        raise ValueError(msg)
    for key, value in (("rounding", "sign"), ("scheme", "tiki-taka")):
        if device.levels is None and getattr(device, key) == value:
            msg = f"device.{key} = {value!r} learns by small steps, and {what}; "
            raise ValueError(f"{msg}set it to {type(device).model_fields[key].default!r}, or the optimizer to 'sgd'")


def _refuse_digital(blocks: Sequence[DigitalBlock | CircuitBlock], training: TrainingSettings, before: Shape | None) -> None:
    """Refuse digital layers that normalise a batch of one number, and a softmax before the softmax of the loss."""
    for k, (block, (shape, _)) in enumerate(zip(blocks, shapes(blocks, before), strict=True)):
        if isinstance(block, DigitalBlock) and training.batch * min(_averaged(block.layers, shape), default=2) < 2:  # noqa: PLR2004 - of one
            msg = f"blocks[{k}]: kind = 'batch-norm' makes a batch of one sample 0; set training.batch to 2 or more, or use 'layer-norm'"
            raise ValueError(msg)
        if isinstance(block, DigitalBlock) and (most := max(_sizes(block.layers, shape))) > _LARGEST:
            msg = f"blocks[{k}]: a layer has {most:.3g} weights or outputs, more than {_LARGEST:.0e}; make its size or its channels smaller"
            raise ValueError(msg)
    last = blocks[-1]
    if isinstance(last, DigitalBlock) and last.layers[-1].kind == "softmax" and training.loss.kind == "cross-entropy":
        msg = f"blocks[{len(blocks) - 1}] ends with a softmax, and training.loss.kind = 'cross-entropy' has its own; omit the layer"
        raise ValueError(f"{msg}, or set the loss to 'squared-error'")


def _sizes(layers: Sequence[DigitalLayer], shape: Shape) -> Iterator[int]:
    """List how many numbers each layer makes of a sample, and how many weights dense layers and kernels have."""
    for layer in layers:
        match layer:
            case DenseLayer():
                yield math.prod(shape) * layer.size
            case DigitalConvolution():
                yield shape[-1] * layer.channels * layer.size**2
            case ResidualLayer():
                yield from _sizes(layer.layers, shape)
        shape = layer.after(shape)
        yield math.prod(shape)


def _learns(layers: Sequence[DigitalLayer]) -> bool:
    """Whether one of the layers has parameters."""
    return any(_learns(layer.layers) if isinstance(layer, ResidualLayer) else layer.kind in _LEARNED for layer in layers)


def _averaged(layers: Sequence[DigitalLayer], shape: Shape) -> Iterator[int]:
    """List how many numbers of a sample each batch norm averages."""
    for layer in layers:
        match layer:
            case BatchNormLayer():
                yield math.prod(shape[:-1])
            case ResidualLayer():
                yield from _averaged(layer.layers, shape)
        shape = layer.after(shape)


def _set(training: TrainingSettings, sections: dict[str, BaseModel], of_training: Sequence[str]) -> Iterator[str]:
    """List the keys about circuits that have other values than their defaults."""
    yield from (f"training.{key}" for key in of_training if getattr(training, key) != type(training).model_fields[key].default)
    for name, section in sections.items():
        yield from (key for key in _changed(section, name) if key != "variation.chip")  # a number that any sweep sets


def _changed(section: BaseModel, name: str) -> Iterator[str]:
    given: dict[str, Any] = section.model_dump(exclude_defaults=True)
    return (f"{name}.{key}" for key in given)
