"""Images: found in the files that they are published in, or fetched once, and compared with what was published."""

import gzip
import hashlib
import struct
import urllib.error
from pathlib import Path

import numpy as np
import pytest

from hwsim.data import image_sets
from hwsim.files.raw import DataError
from support.data_sets import read


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write bytes in the format of MNIST, packed if the name ends so."""
    content = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, np.ndarray]:
    """Make small images of ten classes, and an empty $HWSIM_DATA for them."""
    monkeypatch.setenv("HWSIM_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(image_sets, "_DEBIAN", tmp_path / "debian")
    rng = np.random.default_rng(0)
    made = {f"x_{part}": rng.integers(0, 256, (20, 28, 28), dtype=np.uint8) for part in ("train", "test")}
    return made | {f"y_{part}": np.tile(np.arange(10, dtype=np.uint8), 2) for part in ("train", "test")}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mnist", "mnist.npz"),
        ("fashion-mnist", "fashion-mnist.npz"),
        ("fashion-mnist", "fashion_mnist.npz"),
        ("fashion-mnist", "fashion.npz"),
    ],
)
def test_images_are_found_as_arrays(images: dict[str, np.ndarray], tmp_path: Path, name: str, file: str) -> None:
    """An .npz file in $HWSIM_DATA is found; images are flattened and their bytes become 0 to 1."""
    np.savez(tmp_path / file, **images)
    loaded = read(name)
    assert np.array_equal(loaded.x_train, images["x_train"].reshape(20, 784) / 255)
    assert np.array_equal(loaded.labels_test, images["y_test"])


@pytest.mark.parametrize("ending", ["-ubyte", "-ubyte.gz"])
@pytest.mark.parametrize(
    ("name", "folder"), [("mnist", "."), ("mnist", "mnist"), ("fashion-mnist", "fashion-mnist"), ("fashion-mnist", "debian/fashion-mnist")]
)
def test_images_are_found_as_idx_files(images: dict[str, np.ndarray], tmp_path: Path, name: str, folder: str, ending: str) -> None:
    """The four files as they were published, packed or not, in any of the places that are looked at."""
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for array, part in (
        ("x_train", "train-images-idx3"),
        ("y_train", "train-labels-idx1"),
        ("x_test", "t10k-images-idx3"),
        ("y_test", "t10k-labels-idx1"),
    ):
        write_idx(tmp_path / folder / f"{part}{ending}", images[array])
    loaded = read(name)
    assert np.array_equal(loaded.x_test, images["x_test"].reshape(20, 784) / 255)
    assert np.array_equal(loaded.labels_train, images["y_train"])


class Bunch:
    """What scikit-learn's OpenML client gives, made small."""

    def __init__(self, count: int) -> None:
        self.data = np.zeros((count, 784))
        self.target = np.array([str(k % 10) for k in range(count)])


def test_images_are_fetched_once(images: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any file they come from OpenML, and the second time from the cache."""
    del images
    calls = []
    monkeypatch.setitem(image_sets._OPENML, "mnist", image_sets._Published("mnist_784", 40))
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *_, **settings: calls.append(settings) or Bunch(60))
    first, second = read("mnist"), read("mnist")
    assert len(calls) == 1
    assert (len(first.x_train), len(first.x_test)) == (len(second.x_train), len(second.x_test)) == (40, 20)


def colour(images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Make them colour images of 32×32 pixels."""
    rng = np.random.default_rng(1)
    return images | {name: rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8) for name in ("x_train", "x_test")}


@pytest.mark.parametrize("planes", [False, True])
def test_colour_images_are_pixels_of_channels(images: dict[str, np.ndarray], tmp_path: Path, planes: bool) -> None:  # noqa: FBT001 - of pytest
    """CIFAR-10's numbers are in the order of a circuit's maps, whether its file has a picture's last axis for channels or its first."""
    made = colour(images)
    stored = {name: np.moveaxis(array, -1, 1) if planes and array.ndim > 1 else array for name, array in made.items()}
    np.savez(tmp_path / "cifar10.npz", **stored)
    loaded = read("cifar10")
    assert np.array_equal(loaded.x_train, made["x_train"].reshape(20, -1) / 255)
    assert loaded.image == (32, 32, 3)


def test_colour_images_of_another_shape_are_refused(images: dict[str, np.ndarray], tmp_path: Path) -> None:
    """Flat colour images could be in two orders, and nobody guesses."""
    made = colour(images)
    np.savez(tmp_path / "cifar10.npz", **(made | {name: made[name].reshape(20, -1) for name in ("x_train", "x_test")}))
    with pytest.raises(DataError, match=r"shape \(3072,\); make it \(32, 32, 3\), row by row"):
        read("cifar10")


def test_fetched_colour_images_are_compared_with_the_published_ones(images: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """From OpenML come planes; their test set must be the published one."""
    made = colour(images)
    sent = Bunch(40)
    sent.data = np.moveaxis(np.concatenate([made["x_train"], made["x_test"]]), -1, 1).reshape(40, -1).astype(float)
    sent.target = np.concatenate([images["y_train"], images["y_test"]]).astype(str)
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *_, **__: sent)
    monkeypatch.setitem(image_sets._OPENML, "cifar10", image_sets._OPENML["cifar10"]._replace(train=20))
    with pytest.raises(DataError, match=r"not in the published order; put cifar10\.npz"):
        read("cifar10")
    right = hashlib.sha256(made["x_test"].tobytes() + images["y_test"].tobytes()).hexdigest()
    monkeypatch.setitem(image_sets._OPENML, "cifar10", image_sets._OPENML["cifar10"]._replace(train=20, sha256=right))
    for _ in range(2):
        assert np.array_equal(read("cifar10").x_test, made["x_test"].reshape(20, -1) / 255)


def test_without_network_the_remedy_is_printed(images: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One line names where the data were looked for and what to do, and no file is left behind."""
    del images

    def unreachable(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", unreachable)
    with pytest.raises(DataError, match="HWSIM_DATA") as caught:
        read("mnist")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """$HWSIM_DATA is never passed over in silence."""
    monkeypatch.setenv("HWSIM_DATA", "/nowhere/at/all")
    with pytest.raises(DataError, match="/nowhere/at/all is not a folder"):
        read("mnist")
