"""Connected components of nodes, for circuits of any size."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def components(edges: list[tuple[NDArray[Any], NDArray[Any]]], size: int) -> NDArray[np.int32]:
    """Label the connected components of nodes 0 … size, in the order of their first nodes.

    Every tree of nodes is hung under the lowest of its neighbours, all at once; each round at least halves the trees that have any.
    SciPy has this too, but would take longer to load than all else that a small circuit needs.
    """
    pairs = [np.broadcast_arrays(a, b) for a, b in edges]
    a = np.concatenate([p[0] for p in pairs]) if pairs else np.zeros(0, dtype=np.intp)
    b = np.concatenate([p[1] for p in pairs]) if pairs else np.zeros(0, dtype=np.intp)
    roots = np.arange(size + 1)
    while (roots[a] != roots[b]).any():
        lowest = np.minimum(roots[a], roots[b])
        for end in (roots[a], roots[b]):
            np.minimum.at(roots, end, lowest)
        while (roots != roots[roots]).any():
            roots = roots[roots]
    return np.unique(roots, return_inverse=True)[1].astype(np.int32)
