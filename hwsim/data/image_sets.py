"""Sets of images that have a name: MNIST, Fashion-MNIST and CIFAR-10, wherever they are found, or fetched once."""

import hashlib
import os
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.maps import Maps
from circuits.quoting import REASON, quote, quote_path
from hwsim.files.atomic import write_arrays
from hwsim.files.caches import cache_folder
from hwsim.files.raw import DataError, Samples
from hwsim.files.tables import read_idx, read_npz
from hwsim.settings.data_names import IMAGES

DATA_VARIABLE = "HWSIM_DATA"
"""Environment variable: a folder with `mnist.npz`, `fashion-mnist.npz`, `cifar10.npz` or idx files."""

_DEBIAN = Path("/usr/share/datasets")
"""Where Debian's package dataset-fashion-mnist puts its folder."""


class _Published(NamedTuple):
    """A set on openml.org, version 1: its name there, how many of its first images are the training set, the fingerprint of the others."""

    name: str
    train: int = 60_000
    sha256: str = ""


_OPENML = {
    "mnist": _Published("mnist_784"),
    "fashion-mnist": _Published("Fashion-MNIST"),
    "cifar10": _Published("CIFAR_10", 50_000, "8193b3fbce55bec361cd1b8fd4880cb1649832dc4d6de6da1e7a21847a4843aa"),
}

_STEMS = {"mnist": ("mnist",), "fashion-mnist": ("fashion-mnist", "fashion_mnist", "fashion"), "cifar10": ("cifar10", "cifar-10")}
"""What files and folders of each set are called."""

NAMED = tuple(_OPENML)
"""Their names."""

_IDX = (("train-images", "idx3"), ("train-labels", "idx1"), ("t10k-images", "idx3"), ("t10k-labels", "idx1"))


def image_files(name: str) -> tuple[Path, ...]:
    """Return the file, or the four idx files, that hold a set of images on this machine; nothing where there is none.

    Raises
    ------
    DataError
        When the environment variable names no folder.

    """
    for folder in _folders(name):
        for stem in _STEMS[name]:
            if (folder / f"{stem}.npz").is_file():
                return (folder / f"{stem}.npz",)
        parts = tuple(path for path in (_idx_file(folder, *part) for part in _IDX) if path)
        if len(parts) == len(_IDX) and IMAGES[name].channels == 1:
            return parts
    return ()


def read_images(name: str) -> Samples:
    """Read a set from the user's folder, Debian's package or the cache, or fetch it once.

    Raises
    ------
    DataError
        When it is nowhere, or its files cannot be used.
    OSError
        When a file may not be read.

    """
    match image_files(name):
        case ():
            return _fetch(name)
        case (path,):
            return _sized(read_npz(path, quote_path(path)), IMAGES[name])
        case paths:
            folder = quote_path(paths[0].parent)
            return _sized(Samples.checked(folder, *(read_idx(path, folder) for path in paths)), IMAGES[name])


def _folders(name: str) -> Iterator[Path]:
    given = os.environ.get(DATA_VARIABLE)
    if given:
        folder = Path(given).expanduser()
        if not folder.is_dir():
            msg = f"{DATA_VARIABLE}={quote_path(given)} is not a folder; let it name the folder that holds {name}.npz, or unset it"
            raise DataError(msg)
        yield from (folder / stem for stem in _STEMS[name])
        if not any(_idx_file(folder, *part) for part in _IDX) or ("fashion" in folder.name) == ("fashion" in name):
            yield folder  # lone idx files do not show which of the two they are
    yield _DEBIAN / name
    yield cache_folder()


def _idx_file(folder: Path, part: str, kind: str) -> Path | None:
    """Find one idx file under the names that are in use, packed or not."""
    names = [f"{part}{dash}{kind}-ubyte{ending}" for dash in "-." for ending in ("", ".gz")]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _sized(samples: Samples, wanted: Maps) -> Samples:
    """Return images with their shape; channels that come first, as planes, become the last axis."""
    if samples.x_test is None:
        msg = f"{samples.name}: it has no test set (x_test, y_test)"
        raise DataError(msg)
    height, width, channels = wanted
    if samples.image == Maps(channels, height, width) != wanted:
        return replace(samples, x=_planes_last(samples.x, wanted), x_test=_planes_last(samples.x_test, wanted), image=wanted)
    flat = samples.image is None and channels == 1 and samples.x.shape[1] == wanted.size
    if samples.image != wanted and not flat:
        shape = samples.x.shape if samples.image is None else (len(samples.x), *samples.image)
        one = f"({height}, {width})" if channels == 1 else f"({height}, {width}, {channels})"
        msg = f"{samples.name}: its images have shape {shape[1:]}; make it {one}, row by row, pixel by pixel"
        raise DataError(msg)
    return replace(samples, image=wanted)


def _planes_last(x: NDArray[Any], image: Maps) -> NDArray[Any]:
    """Reorder flat images whose channels are planes, one after the other."""
    return x.reshape(-1, image.channels, image.height, image.width).transpose(0, 2, 3, 1).reshape(len(x), -1)


def _fetch(name: str) -> Samples:
    """Fetch from openml.org into the cache; there the channels of an image are planes, one after the other."""
    from sklearn.datasets import fetch_openml  # noqa: PLC0415 - takes a second to load

    published, wanted, file = _OPENML[name], IMAGES[name], cache_folder() / f"{name}.npz"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its lines about trying again would break our one line
            home = str(cache_folder())
            bunch = fetch_openml(published.name, version=1, as_frame=False, parser="liac-arff", cache=False, data_home=home, n_retries=1)
    except (OSError, ValueError) as error:
        reason = quote(str(error) or type(error).__name__, REASON)
        msg = (
            f"{name}: found neither in ${DATA_VARIABLE} nor in {_DEBIAN / name}, and openml.org could not be reached ({reason}); "
            f"put {name}.npz into a folder and let {DATA_VARIABLE} name it"
        )
        raise DataError(msg) from None
    x, y = np.asarray(bunch.data).astype(np.uint8), np.asarray(bunch.target).astype(np.uint8)
    x = _planes_last(x, wanted).reshape(len(x), *(wanted if wanted.channels > 1 else wanted[:2]))
    arrays = {
        "x_train": x[: published.train],
        "y_train": y[: published.train],
        "x_test": x[published.train :],
        "y_test": y[published.train :],
    }
    tested = arrays["x_test"].tobytes() + arrays["y_test"].tobytes()
    if published.sha256 and hashlib.sha256(tested).hexdigest() != published.sha256:
        msg = f"{name}: what openml.org sent is not in the published order; put {name}.npz into a folder and let {DATA_VARIABLE} name it"
        raise DataError(msg)
    cache_folder().mkdir(parents=True, exist_ok=True)
    write_arrays(file, arrays)
    return _sized(Samples.checked(name, **{key.replace("_train", ""): value for key, value in arrays.items()}), wanted)
