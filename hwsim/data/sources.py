"""Where data sets come from: scikit-learn's own, MNIST wherever it is found, and the user's files."""

import difflib
import importlib.util
import os
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from circuits.quoting import REASON, quote, quote_path
from hwsim.data import real_targets
from hwsim.experiment.experiment import BUILT_IN
from hwsim.files.atomic import write_arrays
from hwsim.files.caches import cache_folder
from hwsim.files.raw import DataError, Samples
from hwsim.files.tables import read_file, read_idx, read_npz
from hwsim.files.target_columns import TargetColumns
from hwsim.settings.sections import DataSettings

DATA_VARIABLE = "HWSIM_DATA"
"""Environment variable: a folder with `mnist.npz`, `fashion-mnist.npz` or idx files."""

_DEBIAN = Path("/usr/share/datasets")
"""Where Debian's package dataset-fashion-mnist puts its folder."""

_OPENML = {"mnist": "mnist_784", "fashion-mnist": "Fashion-MNIST"}
"""Their names on openml.org; version 1 of both."""

_TABLES = {"iris": "iris.csv", "wine": "wine_data.csv", "breast-cancer": "breast_cancer.csv", "digits": "digits.csv.gz"}
"""Files in scikit-learn's folder: features and class by the line; but for the digits, sizes and the class names stand above."""

_DIABETES = ("diabetes_data_raw.csv.gz", "diabetes_target.csv.gz")
"""Files there with the features and the target of the diabetes data."""

_TRAIN_IMAGES = 60_000
"""The first images of both are the training set."""

_IDX = (("train-images", "idx3"), ("train-labels", "idx1"), ("t10k-images", "idx3"), ("t10k-labels", "idx1"))


def read(name: str, settings: DataSettings | None = None) -> Samples:
    """Read a data set by its name, or a file by its path; `settings` name its targets, by default classes.

    Raises
    ------
    DataError
        When there is none of this name, or its content cannot be used.
    OSError
        When a file is missing or may not be read.

    """
    if name == "xor":
        return _xor()
    if name in _OPENML:
        return _images(name)
    if name in _COMPUTED:
        return _COMPUTED[name]()
    if name in BUILT_IN:
        return _from_scikit_learn(name)
    if Path(name).suffix.lower() in {".npz", ".csv"} or Path(name).exists():
        return read_file(Path(name), quote_path(name), _targets(settings))
    alike = difflib.get_close_matches(name, BUILT_IN)
    hint = f"did you mean {' or '.join(alike)}?" if alike else f"there are {', '.join(BUILT_IN)}, and files (.npz, .csv)"
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


_COMPUTED = {"diabetes": _diabetes, "friedman": real_targets.friedman, "linear-map": real_targets.linear_map}
"""Sets with real targets, by their names."""


def _xor() -> Samples:
    """Four points at ±1, which are learnt and tested alike."""
    x = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    labels = np.array([0, 1, 1, 0])
    return Samples(name="xor", x=x, labels=labels, x_test=x, labels_test=labels, class_names=("equal", "different"))


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


def image_files(name: str) -> tuple[Path, ...]:
    """Return the file, or the four idx files, that hold a set of images on this machine; nothing where there is none."""
    for folder in _folders(name):
        for stem in (name, name.replace("-", "_")):
            if (folder / f"{stem}.npz").is_file():
                return (folder / f"{stem}.npz",)
        parts = tuple(path for path in (_idx_file(folder, *part) for part in _IDX) if path)
        if len(parts) == len(_IDX):
            return parts
    return ()


def paths(name: str) -> tuple[Path, ...]:
    """List the files that a data set is read from, where they are a user's."""
    if name in BUILT_IN:
        return image_files(name) if name in _OPENML else ()
    return (Path(name),)


def _images(name: str) -> Samples:
    """Read MNIST or Fashion-MNIST from the user's folder, Debian's package or the cache, or fetch it once."""
    match image_files(name):
        case ():
            return _fetch(name)
        case (path,):
            return _sized(read_npz(path, quote_path(path)))
        case paths:
            folder = quote_path(paths[0].parent)
            return _sized(Samples.checked(folder, *(read_idx(path, folder) for path in paths)))


def _folders(name: str) -> Iterator[Path]:
    given = os.environ.get(DATA_VARIABLE)
    if given:
        folder = Path(given).expanduser()
        if not folder.is_dir():
            msg = f"{DATA_VARIABLE}={quote_path(given)} is not a folder; let it name the folder that holds {name}.npz, or unset it"
            raise DataError(msg)
        yield from (folder / name, folder / name.replace("-", "_"))
        if not any(_idx_file(folder, *part) for part in _IDX) or ("fashion" in folder.name) == ("fashion" in name):
            yield folder  # lone idx files do not show which of the two they are
    yield _DEBIAN / name
    yield cache_folder()


def _idx_file(folder: Path, part: str, kind: str) -> Path | None:
    """Find one idx file under the names that are in use, packed or not."""
    names = [f"{part}{dash}{kind}-ubyte{ending}" for dash in "-." for ending in ("", ".gz")]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _sized(samples: Samples) -> Samples:
    if samples.x_test is None:
        msg = f"{samples.name}: it has no test set (x_test, y_test)"
        raise DataError(msg)
    return samples


def _fetch(name: str) -> Samples:
    """Fetch from openml.org into the cache."""
    from sklearn.datasets import fetch_openml  # noqa: PLC0415 - takes a second to load

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its lines about trying again would break our one line
            home = str(cache_folder())
            bunch = fetch_openml(_OPENML[name], version=1, as_frame=False, parser="liac-arff", cache=False, data_home=home, n_retries=1)
    except (OSError, ValueError) as error:
        reason = quote(str(error) or type(error).__name__, REASON)
        msg = (
            f"{name}: found neither in ${DATA_VARIABLE} nor in {_DEBIAN / name}, and openml.org could not be reached ({reason}); "
            f"put {name}.npz into a folder and let {DATA_VARIABLE} name it"
        )
        raise DataError(msg) from None
    x, y = np.asarray(bunch.data).astype(np.uint8), np.asarray(bunch.target).astype(np.uint8)
    arrays = {"x_train": x[:_TRAIN_IMAGES], "y_train": y[:_TRAIN_IMAGES], "x_test": x[_TRAIN_IMAGES:], "y_test": y[_TRAIN_IMAGES:]}
    cache_folder().mkdir(parents=True, exist_ok=True)
    write_arrays(cache_folder() / f"{name}.npz", arrays)
    return Samples.checked(name, **{key.replace("_train", ""): value for key, value in arrays.items()})
