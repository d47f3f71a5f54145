"""Features in a deck: each is one parameter that all of its sources follow, and a source that contradicts it is found."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from netlists.read.parts import Part
from netlists.text.findings import Finding
from netlists.text.numbers import plain
from netlists.write.names import free_stem

_ROUNDING = 1e-9
"""Share of the largest term by which a source may miss scale × feature + offset: rounding, not another circuit."""

_NAMED = 3
"""Sources that a message names; it counts the others."""


def names(circuit: Circuit) -> list[str]:
    """Name the parameter of each feature as nothing else in the circuit is named."""
    stem = free_stem(circuit, "feature")
    return [f"{stem}_{k}" for k in range(circuit.input_count)]


def cards(circuit: Circuit, x: NDArray[np.float64]) -> Iterator[str]:
    """Write one `.param` a feature, under a line that describes them."""
    yield "*"
    yield "* The features of the sample, each written once; the sources below follow them."
    yield from (f".param {name}={value}" for name, value in zip(names(circuit), plain(x, "feature"), strict=True))


def following(name: str, scale: float, offset: float) -> str:
    """Write the value of a source that follows a parameter: scale × feature + offset [V], in the order in which hwsim computes it."""
    text = {1.0: name, -1.0: f"-{name}"}.get(scale, f"{scale!r}*{name}")
    return f"{{{text}{f'{offset:+}' if offset else ''}}}"


_FOLLOWED = re.compile(r"\{(-)?(?:([\d.]+(?:e[+-]?\d+)?)\*)?([a-z_]\w*)([+-][\d.]+(?:e[+-]?\d+)?)?\}")


def followed(text: str, parameters: Mapping[str, float]) -> tuple[float, float]:
    """Return what a source gives that follows a parameter, as `following` writes it [V], and the parameter's value.

    Raises
    ------
    ValueError
        When there is no such parameter.

    """
    match = _FOLLOWED.fullmatch(text)
    sign, scale, name, offset = match.groups() if match else (None, None, text, None)
    if name not in parameters:
        msg = f"there is no parameter {name}; define it with .param {name}=…"
        raise ValueError(msg)
    factor = float(f"{sign or ''}{scale or 1.0}")
    return factor * parameters[name] + float(offset or 0.0), parameters[name]


class Shown(NamedTuple):
    """A source that carries a feature: v should be scale × feature + offset [V]. `parameter` is what its expression names, if one thing."""

    part: Part
    feature: int
    v: float
    scale: float
    offset: float

    @property
    def parameter(self) -> float | None:
        """The value of the only parameter that the card names; None where it names none, or several."""
        value: float | None = self.part.more
        return value

    def volts(self, x: float) -> float:
        """Return what the source gives when the feature is x [V]."""
        return x * self.scale + self.offset

    def follows(self, x: float) -> bool:
        """Whether the source is what the feature x makes of it, but for rounding."""
        largest = max(abs(self.v), abs(x * self.scale), abs(self.offset))
        return abs(self.v - self.volts(x)) <= _ROUNDING * largest


def read(sources: Sequence[Shown], count: int) -> tuple[NDArray[np.float64], tuple[Finding, ...]]:
    """Find the features that sources show, and the sources that contradict them.

    A feature is the parameter that a source follows to the last bit; where there is none, it is what the first source with a scale shows.

    Parameters
    ----------
    sources
        All that carry data.
    count
        How many features there are.

    Returns
    -------
    tuple
        The features, shape (count,), and a finding if sources of one feature do not agree: ngspice simulates the value of each.

    """
    x = np.zeros(count)
    of: dict[int, list[Shown]] = {}
    for source in sources:
        of.setdefault(source.feature, []).append(source)
    wrong: list[tuple[Shown, Shown]] = []
    for feature, group in of.items():
        scaled = [source for source in group if source.scale]
        exact = (s for s in scaled if s.parameter is not None and s.volts(s.parameter) == s.v)
        first = next(exact, scaled[0] if scaled else group[0])
        if first.scale:
            named = first.parameter
            x[feature] = named if named is not None and first.volts(named) == first.v else (first.v - first.offset) / first.scale
        wrong += [(source, first) for source in group if not source.follows(x[feature])]
    return x, (_contradiction(wrong, x),) if wrong else ()


def _contradiction(wrong: Sequence[tuple[Shown, Shown]], x: NDArray[np.float64]) -> Finding:
    """Name the sources that do not give what their features make of them."""
    source, first = wrong[0]
    value = float(x[source.feature])
    by = f" by {first.part.name}" if first is not source else ""
    others = [other.part.name for other, _ in wrong[1:]]
    more = f", {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    also = f"; the same of {', '.join(others[:_NAMED])}{more}" if others else ""
    text = (
        f"{source.part.name} gives {source.v:g} V, but feature {source.feature} is {value:g}{by}, which makes "
        f"{source.volts(value):g} V of it (scale {source.scale:g}, offset {source.offset:g}){also}; "
        "let all sources of a feature follow one .param, or correct their numbers"
    )
    return Finding(source.part.line.source.name, source.part.line.number, text)
