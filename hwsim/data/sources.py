"""Where data sets come from: scikit-learn's own, sets of images wherever they are found, and the user's files."""

import difflib
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np

from circuits.quoting import quote_path
from hwsim.data import image_sets, real_targets, series
from hwsim.files.raw import DataError, Samples
from hwsim.files.tables import read_file
from hwsim.files.target_columns import TargetColumns
from hwsim.settings.data_names import BUILT_IN, IMAGES
from hwsim.settings.sections import DataSettings

_TABLES = {"iris": "iris.csv", "wine": "wine_data.csv", "breast-cancer": "breast_cancer.csv", "digits": "digits.csv.gz"}
"""Files in scikit-learn's folder: features and class by the line; but for the digits, sizes and the class names stand above."""

_DIABETES = ("diabetes_data_raw.csv.gz", "diabetes_target.csv.gz")
"""Files there with the features and the target of the diabetes data."""


def read(name: str, settings: DataSettings | None = None) -> Samples:
    """Read a data set by its name, or a file by its path; `settings` name its targets, by default classes.

    Raises
    ------
    DataError
        When there is none of this name, or its content cannot be used.
    OSError
        When a file is missing or may not be read.

    """
    if name in image_sets.NAMED:
        return image_sets.read_images(name)
    if name in series.NAMED:
        return series.NAMED[name](settings or DataSettings(name=name))
    if Path(name).suffix.lower() == ".ts":
        return series.read_pair(Path(name), quote_path(name))
    if name in _COMPUTED:
        return _COMPUTED[name]()
    if name in BUILT_IN:
        return replace(_from_scikit_learn(name), image=IMAGES.get(name))
    if Path(name).suffix.lower() in {".npz", ".csv"} or Path(name).exists():
        return read_file(Path(name), quote_path(name), _targets(settings))
    alike = difflib.get_close_matches(name, BUILT_IN)
    hint = f"did you mean {' or '.join(alike)}?" if alike else f"there are {', '.join(BUILT_IN)}, and files (.npz, .csv, .ts)"
    msg = f"{quote_path(name)}: no such data; {hint}"
    raise DataError(msg)


def _targets(settings: DataSettings | None) -> TargetColumns | None:
    """Return the choice of a file's targets; None where they are classes."""
    match settings and settings.task:
        case "regression":
            return TargetColumns(settings.targets if settings else None)
        case "reconstruction":
            return TargetColumns(())
        case _:
            return None


def _diabetes() -> Samples:
    return real_targets.diabetes(*(_table(file) for file in _DIABETES))


def _xor() -> Samples:
    """Four points at ±1, which are learnt and tested alike."""
    x = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    labels = np.array([0, 1, 1, 0])
    return Samples(name="xor", x=x, labels=labels, x_test=x, labels_test=labels, class_names=("equal", "different"))


_COMPUTED = {"xor": _xor, "diabetes": _diabetes, "friedman": real_targets.friedman, "linear-map": real_targets.linear_map}
"""Sets that are computed, or read by functions of their own."""


def _from_scikit_learn(name: str) -> Samples:
    """Read a table that scikit-learn brings along straight from its file, as the package takes a second to load; else have it loaded."""
    table = _table(_TABLES[name])
    if table is None:
        return _loaded(name)
    header = 0 if name == "digits" else 1
    values = np.loadtxt(table, delimiter=",", skiprows=header, encoding="utf-8")
    samples = Samples.checked(name, values[:, :-1], values[:, -1])
    if not header:
        return samples
    with table.open(encoding="utf-8") as file:
        return replace(samples, class_names=tuple(file.readline().strip().split(",")[2:]))


def _table(file: str) -> Path | None:
    """Return the place of one of scikit-learn's tables, without loading the package; None where it is not in the usual place."""
    package = importlib.util.find_spec("sklearn")
    places = [Path(folder) / "datasets" / "data" / file for folder in (package and package.submodule_search_locations) or ()]
    return next((place for place in places if place.is_file()), None)


def _loaded(name: str) -> Samples:
    from sklearn import datasets  # noqa: PLC0415 - takes a second to load

    loaders = {"iris": datasets.load_iris, "wine": datasets.load_wine, "digits": datasets.load_digits}
    bunch = loaders.get(name, datasets.load_breast_cancer)()
    samples = Samples.checked(name, bunch.data, bunch.target)
    return replace(samples, class_names=tuple(str(c) for c in bunch.target_names))


def paths(name: str) -> tuple[Path, ...]:
    """List the files that a data set is read from, where they are a user's."""
    if name in BUILT_IN:
        return image_sets.image_files(name) if name in image_sets.NAMED else ()
    return (Path(name),)
