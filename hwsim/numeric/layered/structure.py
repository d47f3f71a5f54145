"""Structure: what programs of a layered circuit are compiled for. Where chips differ from the nominal one, their numbers are arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from circuits.chip import AnyChip, Chip
from circuits.circuit import Circuit
from hwsim.numeric.layered.layers import Layers, OutputColumns
from hwsim.numeric.layered.parameters import Scales, collect
from hwsim.numeric.layered.problem import LayeredProblem
from hwsim.typing import Array

Numbers = tuple[Any, ...]
"""The numbers of a chip that a structure takes as arguments."""

Values = dict[tuple[str, str], Any]

_BOUNDS = {"g_min", "g_max"}


class _OfChip(NamedTuple):
    """All that a solver takes from a chip; `values[element, parameter]` are those that some chip has other than nominal."""

    parameters: Any
    scales: Scales
    values: Values


@dataclass(frozen=True)
class _Standing:
    """Stands in a chip's place; its values may be arguments of a compiled function."""

    circuit: Circuit
    values: Values

    def __call__(self, element: str, parameter: str) -> Array:
        changed = self.values.get((element, parameter))
        return np.asarray(getattr(self.circuit[element], parameter)) if changed is None else changed


class OnChip(NamedTuple):
    """What a solver takes from a chip: the numbers of its layers, how large its sources are, and the chip itself."""

    layers: Layers
    scales: Scales
    chip: AnyChip

    def largest(self, feature: Array | float) -> Array | float:
        """Return the largest voltage of a source [V] where the largest feature is `feature`."""
        fixed, scale = self.scales
        if isinstance(feature, float):
            return max(fixed, scale * feature)
        return feature.__array_namespace__().maximum(scale * feature, fixed)


class Structure:
    """A layered circuit, how finely it is solved, and the nominal numbers that are constants of its programs.

    Two structures are equal where their programs are. `constants` has a leaf of `form` each, None where it is an argument.
    """

    def __init__(self, problem: LayeredProblem, outputs: OutputColumns, form: Any, constants: tuple[Any, ...], precision: str) -> None:
        self.problem, self.outputs, self._form, self._constants, self._precision = problem, outputs, form, constants, precision
        self._key = problem.circuit, problem.share, problem.max_steps, precision, form, tuple(map(_digest, constants))
        self._hash = hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Structure) and (self is other or self._key == other._key)

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return Structure, (self.problem, self.outputs, self._form, self._constants, self._precision)  # a hash is this process's alone

    def on(self, numbers: Numbers) -> OnChip:
        """Return what a solver takes from the chip that has these numbers."""
        given = iter(numbers)
        leaves = [next(given) if leaf is None else leaf for leaf in self._constants]
        of_chip: _OfChip = jax.tree.unflatten(self._form, leaves)
        layers = Layers(self.problem.stages, of_chip.parameters, self.outputs)
        return OnChip(layers, of_chip.scales, _Standing(self.problem.circuit, of_chip.values))

    def tolerance(self, numbers: Numbers, largest_feature: Array | float | None) -> Array | float | None:
        """Return how far voltages may be from equilibrium [V] on the chip that has these numbers, where the largest feature is known.

        Before a program runs, not in it: there each update would compute it again.
        """
        return None if largest_feature is None else self.problem.share * self.on(numbers).largest(largest_feature)


def divided(
    problem: LayeredProblem, outputs: OutputColumns, chips: Sequence[Chip], precision: str, *, alone: bool
) -> tuple[Structure, list[Numbers]]:
    """Divide what a solver takes from chips of one circuit into their structure and the numbers of each.

    A chip that is solved `alone` has its bounds of conductances as arguments, and all else as constants: XLA rounds otherwise where it
    knows a number (it divides by one by multiplying), and clipping alone is exact. Measured: iris with a spread of gains, offsets and
    diodes differs by 1e-14 after three epochs. Chips that are solved as one have all as arguments in which one of them is not nominal.

    Raises
    ------
    ValueError
        When they differ in more than numbers.

    """
    nominal = Chip.nominal(problem.circuit)
    keys = sorted({key for chip in chips for key in chip.changed if not _same(chip(*key), nominal(*key))})
    of_nominal = dict(jax.tree_util.tree_leaves_with_path(_of_chip(problem, nominal, precision, (), ())))
    cast = [key for key in keys if key[1] in _BOUNDS or not alone]
    each = [jax.tree_util.tree_flatten_with_path(_of_chip(problem, chip, precision, keys, cast)) for chip in chips]
    form: Any = each[0][1]
    if any(other != form for _, other in each[1:]):
        msg = "chips that have different parts cannot be solved side by side; solve them one by one"
        raise ValueError(msg)
    constants, arguments = list[Any](), list[list[Any]]()
    for (path, first), *others in zip(*(leaves for leaves, _ in each), strict=True):
        usual = path in of_nominal and all(_same(leaf, of_nominal[path]) for leaf in (first, *(leaf for _, leaf in others)))
        constant = usual or (alone and not _is_bound(path))
        constants.append(first if constant else None)
        if not constant:
            arguments.append([first, *(leaf for _, leaf in others)])
    numbers = list(zip(*arguments, strict=True)) or [()] * len(chips)
    return Structure(problem, outputs, form, tuple(constants), precision), numbers


def _of_chip(
    problem: LayeredProblem, chip: Chip, precision: str, keys: Sequence[tuple[str, str]], cast: Sequence[tuple[str, str]]
) -> _OfChip:
    parameters = collect(problem.stages, chip, precision)
    values = {key: chip(*key).astype(precision) if key in cast else chip(*key) for key in keys}
    return _OfChip(parameters, Scales.of(problem.stages, parameters), values)


def _is_bound(path: tuple[Any, ...]) -> bool:
    """Whether the leaf at a path is a bound of conductances, `values[element, bound]`."""
    return isinstance(path[-1], jax.tree_util.DictKey) and path[-1].key[1] in _BOUNDS


def _same(a: Any, b: Any) -> bool:
    return a is b or np.array_equal(a, b)


def _digest(leaf: Any) -> Any:
    """Return what distinguishes constants: of arrays the type, the shape and the bytes."""
    return (leaf.dtype.str, leaf.shape, leaf.tobytes()) if isinstance(leaf, np.ndarray) else leaf
