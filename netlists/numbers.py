"""Numbers as SPICE text: plain, with all the digits that a float has, and never a suffix."""

from typing import Any

import numpy as np


def plain(values: Any, what: str) -> list[str]:
    """Write numbers so that reading them gives the same floats again.

    Suffixes are never used: SPICE reads `1M` as a milli and `1kk` as `1k`.

    Parameters
    ----------
    values
        Numbers; the array is flattened, row by row.
    what
        What they are, for the message.

    Raises
    ------
    ValueError
        When a number is not finite; the message says which.

    """
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        index = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
        at = f"[{', '.join(map(str, index))}]" if index else ""
        msg = f"{what}{at} = {float(array[index]):g} cannot be written into a netlist; it must be a finite number"
        raise ValueError(msg)
    return [repr(value) for value in array.ravel().tolist()]


def resistances(g: Any, what: str) -> list[str]:
    """Write conductances [S] as resistances [ohm], flattened row by row.

    Raises
    ------
    ValueError
        When a conductance is not a positive finite number: a netlist would hold 0 ohm or a broken wire instead.

    """
    array = np.asarray(g, dtype=np.float64)
    ok = np.isfinite(array) & (array > 0)
    if not ok.all():
        index = np.unravel_index(int(np.argmin(ok)), array.shape)
        msg = f"{what}: conductance[{', '.join(map(str, index))}] = {float(array[index]):g} S must be positive and finite"
        raise ValueError(msg)
    return plain(1.0 / array, what)
