"""The experiment that is made of a network and arrays: settings with which small data sets learn."""

from typing import Any

from circuits.network import Network
from hwsim.settings.sections import TaskName

NAME = "arrays"
"""What data are called that are arrays in memory."""

_CLIP = 3.0
"""Standard deviations at which features are cut off: a rail clamps the columns far below that."""

_BATCH = 8

_UPDATES, _FEWEST, _MOST = 3600, 10, 60
"""Updates of a training, and the fewest and the most epochs that make them: as many as `digits` of the zoo has."""


def table(network: Network, task: TaskName, samples: int) -> dict[str, Any]:
    """Return the keys of an experiment: a network, and how it learns a task from a number of samples.

    Features have zero mean and unit variance; the rate falls along half a cosine; classes are learned by their cross-entropy.
    """
    epochs = min(max(round(_UPDATES * _BATCH / samples), _FEWEST), _MOST)
    training: dict[str, Any] = {"rate": 1e-6, "schedule": {"kind": "cosine"}, "epochs": epochs, "batch": _BATCH}
    if task != "classification":
        training |= {"target_low": -0.1, "target_high": 0.1}
    elif network.outputs > 1:
        training |= {"loss": {"kind": "cross-entropy"}, "nudge": {"kind": "frozen"}}
    data = {"name": NAME, "task": task, "scaling": "standard", "clip": _CLIP}
    return {"name": "model", "circuit": network, "data": data, "training": training}
