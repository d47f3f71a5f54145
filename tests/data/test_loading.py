"""Data: held out fairly, scaled by what may be seen, and refused in one line when they cannot be used."""

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.data import sources
from hwsim.data.loading import load_data
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.files.raw import DataError
from hwsim.files.tables import read_file, read_idx
from hwsim.settings.data_names import BUILT_IN
from support.data_sets import experiment, read

SMALL = ["xor", "iris", "wine", "breast-cancer", "digits"]


def rows(x: np.ndarray) -> list[tuple[float, ...]]:
    """Return samples in an order of their own."""
    return sorted(map(tuple, x.tolist()))


@pytest.mark.parametrize(("share", "count"), [(0.2, 0), (0.5, 1)])
def test_a_share_that_divides_nothing_is_noted(share: float, count: int) -> None:
    """Data that bring a test set are tested on it, whatever share is asked for."""
    data = read("xor", test_share=share)
    assert len(data.notes) == count
    assert all("data.test_share = 0.5 changes nothing" in note for note in data.notes)


@pytest.mark.parametrize("name", SMALL)
def test_a_named_set_has_the_size_that_circuits_are_checked_against(name: str) -> None:
    """Features and classes are those that BUILT_IN promises; labels are the numbers of the classes."""
    loaded = read(name)
    assert (loaded.features, loaded.classes) == BUILT_IN[name]
    assert loaded.x_train.dtype == loaded.x_test.dtype == np.float64
    for x, labels in ((loaded.x_train, loaded.labels_train), (loaded.x_test, loaded.labels_test)):
        assert len(x) == len(labels)
        assert set(labels.tolist()) == set(range(loaded.classes))


@pytest.mark.parametrize("name", SMALL[1:])
def test_tables_are_what_scikit_learn_loads(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read straight from their files, sets are those that scikit-learn's own loaders give, bit for bit; these serve where a file moved."""
    straight = read(name, scaling="standard")
    monkeypatch.setitem(sources._TABLES, name, "moved.csv")
    loaded = read(name, scaling="standard")
    for array in ("x_train", "labels_train", "x_test", "labels_test"):
        assert np.array_equal(getattr(straight, array), getattr(loaded, array)), array
    assert straight.class_names == loaded.class_names


def test_tables_are_read_without_loading_scikit_learn() -> None:
    """The package takes a second to load, which a start of training would have to wait for."""
    code = "import sys; from hwsim.data.sources import read; read('digits'); read('iris'); sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", SMALL[1:])
def test_the_split_loses_and_repeats_nothing(name: str) -> None:
    """Both parts together are the whole set, whatever the seed; another seed holds out others."""
    first, second = read(name), read(name, seed=1)
    assert rows(np.concatenate([first.x_train, first.x_test])) == rows(np.concatenate([second.x_train, second.x_test]))
    assert rows(first.x_test) != rows(second.x_test)
    assert np.array_equal(first.x_test, read(name).x_test)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_each_class_is_held_out_in_the_same_share(share: float) -> None:
    """The test set holds the asked share of every class, within one sample."""
    loaded = read("wine", test_share=share)
    fixed, kept = np.bincount(loaded.labels_test), np.bincount(loaded.labels_train)
    assert np.all(np.abs(fixed - share * (fixed + kept)) <= 0.5)


def test_xor_is_tested_on_what_it_learns() -> None:
    """There are only four points, and two of each class."""
    loaded = read("xor")
    assert np.array_equal(loaded.x_train, loaded.x_test)
    assert loaded.labels_train.tolist() == [int(a != b) for a, b in loaded.x_train.tolist()]


def test_scaling_is_fitted_on_the_training_part_alone() -> None:
    """Standard: mean 0 and variance 1 there, not in the test set. Minmax: 0 to 1 there. The test set is moved along."""
    raw = read("wine")
    standard = read("wine", scaling="standard")
    assert np.allclose(standard.x_train.mean(axis=0), 0, atol=1e-12)
    assert np.allclose(standard.x_train.std(axis=0), 1)
    assert not np.allclose(standard.x_test.mean(axis=0), 0, atol=1e-3)
    assert np.allclose(standard.x_test, (raw.x_test - raw.x_train.mean(axis=0)) / raw.x_train.std(axis=0))
    minmax = read("wine", scaling="minmax")
    assert np.allclose([minmax.x_train.min(axis=0), minmax.x_train.max(axis=0)], [[0.0] * 13, [1.0] * 13])


def test_a_feature_that_never_changes_becomes_zero() -> None:
    """The corners of the digits are always white: no division by zero, no NaN."""
    for scaling in ("standard", "minmax"):
        assert np.isfinite(read("digits", scaling=scaling).x_train).all()


def test_clip_cuts_after_scaling() -> None:
    """Nothing lies beyond ±clip, and what lay within is untouched."""
    free, cut = (read("wine", scaling="standard", clip=clip).x_train for clip in (None, 1.5))
    assert np.array_equal(cut, np.clip(free, -1.5, 1.5))


def test_limits_draw_some_samples_and_move_nothing_else() -> None:
    """A limit keeps that many of the same part; one that is larger than the part keeps all."""
    whole, few = read("digits"), read("digits", train_limit=100, test_limit=50)
    assert (len(few.x_train), len(few.x_test)) == (100, 50)
    assert set(rows(few.x_train)) <= set(rows(whole.x_train))
    assert np.array_equal(read("digits", train_limit=10**6).x_train, whole.x_train)


TABLE = "1,2,red\n3,4,blue\n5,6,red\n7,8,blue\n"


@pytest.mark.parametrize(
    "text", [TABLE, "width,height,colour\n" + TABLE, TABLE.replace(",", ";"), "\ufeff" + TABLE, TABLE.replace("\n", "\r\n\r\n")]
)
def test_a_table_is_read(tmp_path: Path, text: str) -> None:
    """With or without header, by comma or semicolon, with the marks and empty lines that other programs leave."""
    file = tmp_path / "mine.csv"
    file.write_text(text, encoding="utf-8", newline="")
    loaded = load_data(experiment(str(file), 2, 2, test_share=0.5))
    assert loaded.class_names == ("blue", "red")
    assert rows(np.concatenate([loaded.x_train, loaded.x_test])) == [(1.0, 2.0), (3.0, 4.0), (5.0, 6.0), (7.0, 8.0)]


def test_numbers_are_labels_in_their_own_order(tmp_path: Path) -> None:
    """Ten comes after nine, not after one."""
    file = tmp_path / "mine.csv"
    file.write_text("".join(f"0.5,{label}\n{label},{label}\n" for label in (10, 9, 1)), encoding="utf-8")
    assert read_file(file, "mine.csv").class_names == ("1", "9", "10")


@pytest.mark.parametrize(
    "names", [("x", "y"), ("X", "Y"), ("data", "target"), ("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels")]
)
def test_arrays_are_read_under_their_usual_names(tmp_path: Path, names: tuple[str, str]) -> None:
    """What others call features and labels is understood; without a test set a share is held out."""
    np.savez(tmp_path / "mine.npz", **{names[0]: np.arange(24.0).reshape(6, 2, 2), names[1]: [0, 1] * 3})
    data = load_data(experiment(str(tmp_path / "mine.npz"), 4, 2, test_share=0.2))
    assert (data.x_train.shape, data.x_test.shape) == ((4, 4), (2, 4))


@pytest.mark.parametrize(("count", "held_out"), [(9, 18), (10, 4)])
def test_few_samples_are_all_for_training_and_testing(tmp_path: Path, count: int, held_out: int) -> None:
    """Of fewer than ten a class none is held out unless a share is asked for, and a note reports it."""
    file = tmp_path / "mine.csv"
    file.write_text("".join(f"{k * k % 7},{k % 2}\n" for k in range(2 * count)), encoding="utf-8")
    data = load_data(experiment(str(file), 1, 2))
    assert (len(data.x_test), len(data.notes)) == (held_out, count < 10)
    if data.notes:
        np.testing.assert_array_equal(data.x_train, data.x_test)
        assert "has 9 of class 0, fewer than 10, so all its 18 samples are for training and testing alike" in data.notes[0]
    assert len(load_data(experiment(str(file), 1, 2, test_share=0.5)).x_test) in {8, 10}


GOOD = np.arange(8.0).reshape(4, 2)

BAD_FILES: dict[str, tuple[str, Any, str]] = {
    "a gap": ("a.csv", "1,,x\n3,4,y\n", "line 1, column 2 is empty"),
    "not a number": ("a.csv", "a,b,c\n1,nan,x\n3,4,y\n", r"line 2, column 2 \(b\) holds 'nan'"),
    "infinite": ("a.csv", "1,inf,x\n3,4,y\n", "'inf'"),
    "a word among numbers": ("a.csv", "1,2,x\n3,four,y\n", "line 2, column 2 holds 'four'"),
    "ragged": ("a.csv", "1,2,x\n3,4,y\n3,y\n", "line 3 has 2 columns where most lines have 3"),
    "one column": ("a.csv", "x\ny\n", "1 columns"),
    "no label": ("a.csv", "1,2,x\n3,4,\n", "line 2 has no label"),
    "half labels": ("a.csv", "1,2,0.5\n3,4,1\n", "0.5 is no class"),
    "empty": ("a.csv", "", "no samples"),
    "only a header": ("a.csv", "a,b,c\n", "no samples"),
    "one class": ("a.csv", "1,2,x\n3,4,x\n", "all 2 samples have the label x"),
    "not text": ("a.csv", b"\xff\xfe\x00", "UTF-8"),
    "other ending": ("a.txt", "1,2,x\n", "not in .txt"),
    "text for arrays": ("a.npz", "1,2,x\n", "not, or no longer wholly"),
    "nothing for arrays": ("a.npz", "", "not, or no longer wholly"),
    "objects": ("a.npz", {"x": GOOD.astype(object), "y": [0, 1, 0, 1]}, "Object arrays"),
    "other names": ("a.npz", {"a": GOOD}, "it holds a; it needs x and y"),
    "lengths": ("a.npz", {"x": GOOD, "y": [0, 1]}, "4 samples but 2 labels"),
    "nan": ("a.npz", {"x": np.where(GOOD == 5, np.nan, GOOD), "y": [0, 1, 0, 1]}, r"x\[2, 1\] is nan"),
    "infinity": ("a.npz", {"x": np.where(GOOD == 5, -np.inf, GOOD), "y": [0, 1, 0, 1]}, r"x\[2, 1\] is -inf"),
    "one dimension": ("a.npz", {"x": GOOD[0], "y": [0, 1]}, r"shape \(2,\)"),
    "complex": ("a.npz", {"x": GOOD * 1j, "y": [0, 1, 0, 1]}, "complex128"),
    "one-hot labels": ("a.npz", {"x": GOOD, "y": np.eye(4)}, "one whole number or text a sample"),
    "fractions": ("a.npz", {"x": GOOD, "y": [0, 1, 0.5, 1]}, r"y\[2\] = 0.5"),
    "half a test set": ("a.npz", {"x": GOOD, "y": [0, 1, 0, 1], "x_test": GOOD}, "x_test but no y_test"),
    "strange test label": ("a.npz", {"x": GOOD, "y": [0, 1, 0, 1], "x_test": GOOD, "y_test": [0, 1, 2, 0]}, "label 2 of the test set"),
    "wider test set": (
        "a.npz",
        {"x": GOOD, "y": [0, 1, 0, 1], "x_test": np.ones((1, 3)), "y_test": [0]},
        "2 features, those of the test set 3",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_explained(tmp_path: Path, case: str) -> None:
    """One line names the file, the place in it, and what is wrong there."""
    name, content, message = BAD_FILES[case]
    file = tmp_path / name
    if isinstance(content, dict):
        np.savez(file, **content)
    else:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message) as caught:
        load_data(experiment(str(file), 2, 2))
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_archive_is_noticed(tmp_path: Path, damage: str) -> None:
    """Neither a file that ends too soon nor one with changed bytes is taken for data."""
    file = tmp_path / "a.npz"
    np.savez_compressed(file, x=np.random.default_rng(0).random((100, 10)), y=np.tile([0, 1], 50))
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    file.write_bytes(
        content[:middle]
        if damage == "truncated"
        else content[:middle] + bytes(b ^ 0xFF for b in content[middle:][:9]) + content[middle + 9 :]
    )
    with pytest.raises(DataError, match="cannot be read"):
        read_file(file, "a.npz")


@given(st.binary(max_size=40))
def test_any_bytes_are_an_idx_file_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever a file holds, the reader gives an array of the size that it states or reports that it is none."""
    file = tmp_path_factory.mktemp("idx") / "a.gz"
    for name, packed in (("a", content), ("a.gz", gzip.compress(content)), ("a.gz", content)):
        file = file.with_name(name)
        file.write_bytes(packed)
        try:
            array = read_idx(file, "here")
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either way is right
        else:
            assert content[:3] == b"\0\0\x08"
            assert array.size == len(content) - 4 - 4 * content[3]


def test_data_that_do_not_fit_the_circuit_are_refused(tmp_path: Path) -> None:
    """The line names the key of the circuit and the number that it should have."""
    np.savez(tmp_path / "a.npz", x=np.ones((6, 3)), y=[0, 1, 2] * 2)
    with pytest.raises(ExperimentError, match=r"circuit.inputs = 4.*set it to 3"):
        load_data(experiment(str(tmp_path / "a.npz"), 4, 3))
    with pytest.raises(ExperimentError, match=r"circuit.outputs = 2.*set it to 3"):
        load_data(experiment(str(tmp_path / "a.npz"), 3, 2))


@pytest.mark.parametrize("name", ["irsi", "no such thing"])
def test_unknown_data_are_explained(name: str) -> None:
    """A name that is none is answered with what there is."""
    with pytest.raises(DataError, match="iris"):
        load_data(override(load("iris"), [f"data.name={name}"]))
