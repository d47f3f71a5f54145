"""Connected components of nodes, for circuits of any size."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def components(edges: list[tuple[NDArray[Any], NDArray[Any]]], size: int) -> NDArray[np.int32]:
    """Label the connected components of nodes 0 … size."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - SciPy loads only when a circuit is made
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    pairs = [np.broadcast_arrays(a, b) for a, b in edges]
    a = np.concatenate([p[0] for p in pairs]) if pairs else np.zeros(0, dtype=np.intp)
    b = np.concatenate([p[1] for p in pairs]) if pairs else np.zeros(0, dtype=np.intp)
    adjacency = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(size + 1, size + 1))
    labels: NDArray[np.int32] = connected_components(adjacency.tocsr(), directed=False)[1]
    return labels
