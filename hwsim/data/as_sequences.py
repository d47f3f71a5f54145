"""Samples as a reservoir takes them: a series, a row after the other, or sequences, which are images whose rows are times."""

from dataclasses import replace

import numpy as np

from hwsim.files.raw import DataError, Samples
from hwsim.settings.sections import DataSettings


def as_sequences(samples: Samples, settings: DataSettings) -> Samples:
    """Return samples with real targets as a series in their order, and those with a class as sequences.

    Raises
    ------
    DataError
        When samples with a class have no rows, or a series has a test set of its own.

    """
    if settings.task == "regression":
        if samples.x_test is not None:
            msg = f"{samples.name}: has a test set of its own, and a series is one: its end is tested (data.test_share); give it as one"
            raise DataError(msg)
        return replace(samples, ordered=True)
    if samples.image is None:
        msg = f"{samples.name}: its samples have no rows for a reservoir to take one by one; give arrays (samples, rows, channels)"
        raise DataError(msg)
    if samples.rows is not None:
        return samples
    times = samples.image.height
    all_test = None if samples.x_test is None else np.full(len(samples.x_test), times)
    return replace(samples, rows=np.full(len(samples.x), times), rows_test=all_test)
