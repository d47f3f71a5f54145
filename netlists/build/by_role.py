"""By role: cards become trainable elements, inputs and outputs, or, as resistors, what they are."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Crossbar, Memristors
from circuits.elements import InputCurrents, InputSources, Nudges, Resistors
from circuits.errors import CircuitError
from netlists.build.arrays import Array, numbered
from netlists.build.builder import Making
from netlists.read.features import Shown
from netlists.text.numbers import read_number

_INPUT = {"scale": 1.0, "offset": 0.0}
"""What a source that carries data makes of its feature, by default."""

_OUTPUT = {"gain": 1.0, "offset": 0.0}
"""Also, how an output is pushed and read."""

_G_MIN, _G_MAX, _ROOM = 1e-8, 1e-4, 100.0
"""S; bounds of conductances that learn, where the deck states none; those in it have at least so many times room to both sides."""


def resistors(making: Making, array: Array) -> None:
    """Make resistors, or trainable elements: a crossbar where it is one."""
    table = making.sorting.flat.resistances
    if array.role != "trainable":
        places = [making.place[name] for name in array.members]
        a, b = making.nodes([table.a[k] for k in places]), making.nodes([table.b[k] for k in places])
        making.add(Resistors, array.members, name=array.name, a=a, b=b, r=np.array([table.ohm[k] for k in places]))
        return
    grid = numbered(array)
    if grid is None or not _crossbar(making, array, grid):
        places = [making.place[name] for name in array.members]
        a, b = making.nodes([table.a[k] for k in places]), making.nodes([table.b[k] for k in places])
        making.add(Memristors, array.members, name=array.name, a=a, b=b, **_bounds(making, array, (len(places),)))


def inputs(making: Making, array: Array) -> None:
    """Make sources that carry features."""
    parts = [making.sorting.parts[name] for name in array.members]
    options = array.statement.options if array.statement else {}
    features = _numbers(options.get("feature"), float(making.next_feature))
    sources = sum(part.kind in "vi" for part in making.sorting.flat.parts)
    if not ((features == np.floor(features)) & (features >= 0) & (features < sources)).all():
        msg = f"feature={options.get('feature')}: features are whole numbers from 0 to {sources - 1}, at most one a source"
        raise CircuitError(msg)
    feature = features.astype(np.intp) if len(features) > 1 else int(features[0]) + np.arange(len(parts))
    scale, offset = (np.broadcast_to(_numbers(options.get(key), usual), (len(parts),)).copy() for key, usual in _INPUT.items())
    if array.kind == "i":
        a, b = (making.nodes([part.nodes[end] for part in parts]) for end in (0, 1))
        driven = making.add(InputCurrents, array.members, name=array.name, a=a, b=b, feature=feature, scale=scale, offset=offset)
        _shown(making, array, driven)
        return
    plus = []
    for k, part in enumerate(parts):
        if part.nodes[1] == "0":
            plus.append(part.nodes[0])
        elif part.nodes[0] == "0":
            plus.append(part.nodes[1])
            scale[k], offset[k] = -scale[k], -offset[k]
        else:
            msg = f"{part.name} stands between {part.nodes[0]} and {part.nodes[1]}; an input voltage holds a node against ground"
            raise CircuitError(msg)
    how = {"feature": feature, "scale": scale, "offset": offset}
    _shown(making, array, making.add(InputSources, array.members, name=array.name, plus=making.nodes(plus), **how))


def _shown(making: Making, array: Array, element: InputSources | InputCurrents) -> None:
    """Note what sources of features show."""
    making.next_feature = max(making.next_feature, int(element.feature.max()) + 1)
    columns = (element.feature.tolist(), np.asarray(element.scale).tolist(), np.asarray(element.offset).tolist())
    for name, feature, scale, offset in zip(array.members, *columns, strict=True):
        part = making.sorting.parts[name]
        value = part.values[0] if array.kind == "i" or part.nodes[1] == "0" else -part.values[0]
        making.shown.append(Shown(part, feature, value, scale, offset))


def outputs(making: Making, array: Array) -> None:
    """Make the pairs of nodes that are read and nudged."""
    statements = making.sorting.roles.of("output")
    pairs = [(s.words[0], s.words[1] if len(s.words) > 1 else "0") for s in statements]
    pairs = [(a, "0" if b == "gnd" else b) for a, b in pairs]
    unknown = [(s, name) for s, pair in zip(statements, pairs, strict=True) for name in pair if name not in making.numbers]
    for statement, name in unknown:
        making.sorting.findings.mistakes.append(statement.finding(f"there is no node {name}"))
    if not pairs:
        msg = "the deck declares no output; add `*hwsim: output PLUS MINUS`"
        raise CircuitError(msg)
    if not unknown:
        plus, minus = (making.nodes([pair[k] for pair in pairs]) for k in (0, 1))
        values = {key: np.concatenate([_numbers(s.options.get(key), usual) for s in statements]) for key, usual in _OUTPUT.items()}
        making.add(Nudges, [], name=array.name, plus=plus, minus=minus, **values)


def _crossbar(making: Making, array: Array, at: NDArray[np.intp]) -> bool:
    """Make a crossbar of resistors called R_w_i_j, and return whether there is one between each of the rows and each of the columns."""
    table = making.sorting.flat.resistances
    shape = tuple((at.max(axis=0) + 1).tolist())
    if math.prod(shape) != len(at):
        return False
    order = np.empty(len(at), dtype=np.intp)
    flat = at[:, 0] * shape[1] + at[:, 1]
    order[flat] = np.arange(len(at))
    members = [array.members[k] for k in order]
    places = [making.place[name] for name in members]
    rows = making.nodes([table.a[k] for k in places]).reshape(shape)
    columns = making.nodes([table.b[k] for k in places]).reshape(shape)
    if len(np.unique(flat)) != len(at) or (rows != rows[:, :1]).any() or (columns != columns[:1]).any():
        return False
    making.add(Crossbar, members, name=array.name, rows=rows[:, 0], columns=columns[0], **_bounds(making, array, shape))
    return True


def _bounds(making: Making, array: Array, shape: tuple[int, ...]) -> dict[str, Any]:
    options = array.statement.options if array.statement else {}
    g = [1.0 / making.sorting.flat.resistances.ohm[making.place[name]] for name in array.members]
    defaults = {"g_min": min(_G_MIN, min(g) / _ROOM), "g_max": max(_G_MAX, max(g) * _ROOM)}
    bounds = {name: _numbers(options.get(name), default) for name, default in defaults.items()}
    return {name: values.reshape(shape) if len(values) > 1 else values[0] for name, values in bounds.items()}


def _numbers(text: str | None, default: float) -> NDArray[np.float64]:
    """Read one number, or several with commas between them, of a structured comment.

    Raises
    ------
    ValueError
        When one is no number.

    """
    if text is None:
        return np.array([default])
    return np.array([math.inf if word == "inf" else read_number(word)[0] for word in text.split(",")])
