"""Known data: what a run's features and classes are called, so that other data are matched by names and not by places."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from circuits.quoting import REASON, quote, quote_all, quote_path
from hwsim.experiment.experiment import ExperimentError
from hwsim.files import records, stored_conductances
from hwsim.files.atomic import UnreadableError
from hwsim.files.raw import UNCLASSED, DataError, Samples

ENVIRONMENT = "environment.json"
"""What a run was made with, in its folder."""

_FEATURES, _CLASSES = "features", "classes"
"""Keys in it: names of the features and of the classes; earlier versions wrote none."""


@dataclass(frozen=True, slots=True)
class KnownData:
    """Names of what a run learned from.

    Parameters
    ----------
    features
        Of its features, in the order of the circuit's inputs; none where their file has no names.
    classes
        Of its classes, in the order of their numbers; none of real targets.

    """

    features: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return them as a run's record keeps them."""
        return {key: list(names) for key, names in ((_FEATURES, self.features), (_CLASSES, self.classes)) if names}

    @classmethod
    def recorded(cls, record: dict[str, Any]) -> Self:
        """Read them from a run's record."""
        return cls(*(tuple(map(str, record[key])) if isinstance(record.get(key), list) else () for key in (_FEATURES, _CLASSES)))

    def matched(self, samples: Samples, place: str | Path) -> Samples:
        """Return samples whose features are in the order of the run, and whose classes have its numbers.

        Raises
        ------
        DataError
            When they have other features, or a class that the run did not learn.

        """
        return self._classes(self._features(samples, place), place)

    def _features(self, samples: Samples, place: str | Path) -> Samples:
        if not self.features or not samples.header or self.features == samples.header:
            return samples
        missing, strange = _apart(self.features, samples.header), _apart(samples.header, self.features)
        if missing or strange:
            parts = [f"no column {quote_all(missing)}"] * bool(missing) + [f"a column {quote_all(strange)}"] * bool(strange)
            msg = f"{samples.name}: it has {' and '.join(parts)}, and the run {quote_path(place)} learned from {quote_all(self.features)}"
            raise DataError(f"{msg}; name the columns as there")
        order = [samples.header.index(name) for name in self.features]
        x_test = None if samples.x_test is None else samples.x_test[:, order]
        columns = tuple(samples.columns[k] for k in order)
        return replace(samples, x=samples.x[:, order], x_test=x_test, columns=columns, header=self.features)

    def _classes(self, samples: Samples, place: str | Path) -> Samples:
        if not self.classes or samples.y is not None or samples.class_names in {self.classes, UNCLASSED}:
            return samples
        names = samples.class_names
        numbers = [str(k) for k in range(len(self.classes))]
        strange = _apart(names, self.classes)
        if strange and not _apart(names, numbers) and not set(names) & set(self.classes):
            reference = numbers  # labels that are the numbers of classes with names
        elif strange:
            msg = f"{samples.name}: its label {quote(strange[0])} is no class of the run {quote_path(place)}, which learned"
            raise DataError(f"{msg} {quote_all(self.classes)}; correct the labels")
        else:
            reference = list(self.classes)
        number = np.array([reference.index(name) for name in names], dtype=np.intp)
        tests = None if samples.labels_test is None else number[samples.labels_test]
        return replace(samples, labels=number[samples.labels], labels_test=tests, class_names=self.classes)


def _apart(names: Sequence[str], others: Sequence[str]) -> list[str]:
    """List the names that are not among others."""
    return [name for name in names if name not in others]


def known_of(place: str | Path) -> KnownData:
    """Return what a run's data are called; nothing of what is no run, or one of an earlier version.

    Raises
    ------
    ExperimentError
        When the run's record of it cannot be read.

    """
    return KnownData.recorded(recorded(place))


def recorded(place: str | Path) -> dict[str, Any]:
    """Read what a run was made with; an empty record of what is no run.

    Raises
    ------
    ExperimentError
        When it cannot be read.

    """
    folder = stored_conductances.run_of(str(place))
    file = folder / ENVIRONMENT if folder else None
    if file is None or not file.exists():
        return {}
    try:
        return records.environment(records.read_text(file))
    except UnreadableError as error:
        msg = f"{quote_path(file)}: {quote(error, REASON)}; restore it, or train again into another folder (--out)"
        raise ExperimentError(msg) from None
