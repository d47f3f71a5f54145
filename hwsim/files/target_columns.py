"""Which columns of a file are the real targets of a regression, chosen by name or by number."""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote, quote_all, quoted
from hwsim.files.raw import DataError

_SHOWN = 40
"""Characters of a name that a message shows."""

_KEY = "data.targets"


@dataclass(frozen=True, slots=True)
class TargetColumns:
    """A choice of targets.

    Parameters
    ----------
    chosen
        Names, or numbers from 1 on; None: the last column of a table, or all of `y`; none: there are no targets, as every column is a
        feature that is to be reconstructed.

    """

    chosen: tuple[str | int, ...] | None = None

    def of_table(self, name: str, header: Sequence[str] | None, width: int) -> list[int]:
        """Return the indices of the chosen columns of a table with `width` columns.

        Raises
        ------
        DataError
            Naming a column that is not there, and the near ones.

        """
        if self.chosen is None:
            return [width - 1]
        columns = [self._column(name, one, header, width) for one in self.chosen]
        self._refuse_twice(name, columns)
        if len(columns) >= width:
            msg = f"{name}: {_KEY} names all of its {width} columns, and no feature is left to predict them from; name fewer"
            raise DataError(msg)
        return columns

    def _column(self, name: str, one: str | int, header: Sequence[str] | None, width: int) -> int:
        if isinstance(one, int):
            if one > width:
                msg = f"{name}: {_KEY} = {one}, and it has {width} columns, numbered from 1"
                raise DataError(msg)
            return one - 1
        if header is None:
            msg = f"{name}: {_KEY} = {quoted(one)}, and its columns have no names; add a header line, or give numbers from 1 to {width}"
            raise DataError(msg)
        places = [k for k, called in enumerate(header) if called == quote(one, _SHOWN)]
        if len(places) > 1:
            msg = (
                f"{name}: {_KEY} = {quoted(one)} is the name of {len(places)} columns; give its number, {places[0] + 1} or {places[1] + 1}"
            )
            raise DataError(msg)
        if not places:
            msg = f"{name}: {_KEY} = {quoted(one)}: there is no such column; {_near(one, header)}"
            raise DataError(msg)
        return places[0]

    def of_arrays(
        self, name: str, arrays: Mapping[str, NDArray[Any]], x: str, y: str, suffix: str
    ) -> tuple[NDArray[Any] | None, tuple[str, ...]]:
        """Return the chosen targets of an `.npz` file's arrays, (n, K) or (n,), and their names.

        Parameters
        ----------
        x
            The array of features, which is no target.
        y
            The array of which numbers choose columns.
        suffix
            What follows the names of arrays of this set, such as `_train`; it may be missing.

        Raises
        ------
        DataError
            Naming an array or a column that is not there, or the features.

        """
        if not self.chosen:
            return (arrays.get(y) if self.chosen is None else None), ()
        names = [one for one in self.chosen if isinstance(one, str)]
        if not names:
            return self._of_y(name, arrays, y)
        if len(names) < len(self.chosen):
            msg = f"{name}: {_KEY} has names of arrays and numbers of columns; give one kind"
            raise DataError(msg)
        self._refuse_twice(name, [one.lower() for one in names])
        parts = []
        for one in names:
            key = next((key for key in (f"{one}{suffix}".lower(), one.lower()) if key in arrays), None)
            if key == x:
                msg = f"{name}: {_KEY} = {quoted(one)}: these are the features, and a circuit would repeat its inputs; name another array"
                raise DataError(msg)
            if key is None:
                msg = f"{name}: {_KEY} = {quoted(one)}: there is no such array; {_near(one, list(arrays))}"
                raise DataError(msg)
            parts.append(arrays[key])
        if len(parts) == 1:
            called = tuple(names) if parts[0].ndim == 1 or parts[0].shape[-1] == 1 else ()
            return parts[0], called
        if any(part.ndim != 1 or len(part) != len(parts[0]) for part in parts):
            msg = f"{name}: {_KEY} names {len(parts)} arrays, each of which must be one number a sample, (samples,), of as many samples"
            raise DataError(msg)
        return np.stack(parts, axis=1), tuple(names)

    def _of_y(self, name: str, arrays: Mapping[str, NDArray[Any]], y: str) -> tuple[NDArray[Any] | None, tuple[str, ...]]:
        """Choose columns of one array by their numbers."""
        numbers = [one for one in self.chosen or () if isinstance(one, int)]
        self._refuse_twice(name, numbers)
        array = arrays.get(y)
        if array is None:
            return None, ()
        table = array.reshape(len(array), -1) if array.ndim else array.reshape(1, 1)
        if max(numbers) > table.shape[1]:
            msg = f"{name}: {_KEY} = {max(numbers)}, and {y} has {table.shape[1]} columns, numbered from 1"
            raise DataError(msg)
        return table[:, [k - 1 for k in numbers]], tuple(f"{y}[:, {k - 1}]" for k in numbers)

    @staticmethod
    def _refuse_twice(name: str, columns: Sequence[object]) -> None:
        repeated = [one for one, count in Counter(columns).items() if count > 1]
        if repeated:
            msg = f"{name}: {_KEY} names a column twice; name each once"
            raise DataError(msg)


def _near(one: str, names: Sequence[str]) -> str:
    alike = difflib.get_close_matches(one.lower(), [name.lower() for name in names], n=3, cutoff=0.6)
    near = [name for name in names if name.lower() in alike]
    return f"did you mean {' or '.join(quote(name, _SHOWN) for name in near)}?" if near else f"it has {quote_all(names)}"
