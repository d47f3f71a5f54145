"""Reachability: which nodes depend on an input, and on which nodes an output depends."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Trainable
from circuits.circuit import Circuit
from circuits.controlled import CurrentControlled, CurrentControlledCurrentSources, CurrentControlledVoltageSources
from circuits.elements import Amplifiers, Capacitors, CurrentSources, Elements, InputCurrents, InputSources, Nudges
from circuits.passed import Passed
from circuits.rows import fixed_nodes

Truths = NDArray[np.bool_]


class Reach:
    """The paths along which voltages depend on each other: both ways through conductances, one way through controlled sources.

    The voltage of a node with a source to ground depends on that source alone.
    """

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.fixed = fixed_nodes(circuit)
        self._points = circuit.size + 1
        self._first: dict[int, list[int]] = {}
        self._back: dict[int, list[int]] = {}
        for element in circuit.elements:
            self._add(element)

    def _add(self, element: object) -> None:
        match element:
            case Capacitors() | CurrentSources() | Nudges() | InputSources() | InputCurrents():
                pass
            case Amplifiers(input=a, output=b):
                self._both(a, b)  # forward by its gain, backward by what it draws
            case Passed(nodes=nodes):
                self._both(nodes[:1], nodes)
            case Trainable(grid=True, rows=rows, columns=columns):
                self._by_way(rows, columns)
                self._by_way(columns, rows)
            case CurrentControlledCurrentSources() | CurrentControlledVoltageSources():
                self._sensing(element)
            case Elements():
                self._conducting(element)

    def _conducting(self, element: Elements) -> None:
        for a, b in element.pairs:
            self._both(a, b)
        for control in set(element.terminals) & {"control_plus", "control_minus"}:
            for end in element.terminals[:2]:
                self._one_way(getattr(element, control), getattr(element, end))

    def _sensing(self, element: CurrentControlled) -> None:
        ends = [getattr(element, terminal) for terminal in element.terminals]
        sensed = self.circuit[element.source]
        for a, b in sensed.pairs:
            for looked_at in np.broadcast_arrays(a, b):
                for end in ends:
                    self._one_way(looked_at[element.place], end)
        if isinstance(element, CurrentControlledVoltageSources):
            self._both(*ends)

    def _by_way(self, a: NDArray[np.intp], b: NDArray[np.intp]) -> None:
        """Join all of `a` to all of `b` through an auxiliary point."""
        point = np.array([self._points])
        self._points += 1
        self._one_way(a, point)
        self._one_way(point, b)

    def _both(self, a: NDArray[np.intp], b: NDArray[np.intp]) -> None:
        self._one_way(a, b)
        self._one_way(b, a)

    def _one_way(self, a: NDArray[np.intp], b: NDArray[np.intp]) -> None:
        for from_, to in zip(*(end.tolist() for end in np.broadcast_arrays(a, b)), strict=True):
            if to >= len(self.fixed) or not self.fixed[to]:
                self._first.setdefault(from_, []).append(to)
                self._back.setdefault(to, []).append(from_)

    def driven(self) -> Truths:
        """Return which nodes depend on an input, shape (N + 1,)."""
        return self._walk([int(node) for source in self.circuit.inputs for node in source.driven], self._first)

    def observed(self) -> Truths:
        """Return on which nodes an output depends, shape (N + 1,)."""
        outputs = self.circuit.outputs
        return self._walk([int(node) for node in (*outputs.plus, *outputs.minus) if node], self._back)

    def _walk(self, start: list[int], ways: dict[int, list[int]]) -> Truths:
        seen = np.zeros(self._points, dtype=bool)
        seen[start] = True
        queue = deque(start)
        while queue:
            for node in ways.get(queue.popleft(), ()):
                if not seen[node]:
                    seen[node] = True
                    queue.append(node)
        return seen[: self.circuit.size + 1]
