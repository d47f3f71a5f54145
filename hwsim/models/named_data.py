"""What has a name: data sets, as plain arrays, and kinds of memristors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.experiment.experiment import DataSettings
from hwsim.settings.data_names import REAL_TARGETS


def dataset(name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read all samples of a data set, unscaled: features (n, I), and classes (n,) or real targets (n,) or (n, K).

    Parameters
    ----------
    name
        `xor`, `iris`, `wine`, `breast-cancer`, `digits`, `mnist`, `fashion-mnist`, `cifar10`, `diabetes`, `friedman`, `linear-map`, or a
        file of samples with classes. Of sets with a test set this is the training set.

    Raises
    ------
    DataError
        When there is none, or it cannot be read.

    Examples
    --------
    >>> import hwsim as hw
    >>> x, y = hw.dataset("iris")
    >>> x.shape, sorted(set(y.tolist()))
    ((150, 4), ['setosa', 'versicolor', 'virginica'])

    """
    from hwsim.data.sources import read  # noqa: PLC0415 - scikit-learn and the readers load only for those who read data

    settings = DataSettings(name=name, task="regression" if name in REAL_TARGETS else "classification")
    samples = read(name, settings)
    if samples.y is not None:
        return samples.x, samples.y[:, 0] if samples.y.shape[1] == 1 else samples.y
    return samples.x, np.array(samples.class_names)[samples.labels]


def device_presets() -> list[str]:
    """List the kinds of memristors that have a name, in alphabetical order; `hwsim devices` describes them.

    Examples
    --------
    >>> import hwsim as hw
    >>> "reram-sb" in hw.device_presets()
    True

    """
    from hwsim.devices.kinds import presets  # noqa: PLC0415 - devices load only for those who ask

    return presets.names()
