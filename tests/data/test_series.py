"""Series obey their equations, are divided in time, and files that are none are refused in one line."""

import numpy as np
import pytest

from hwsim.data import chaos
from hwsim.data.loading import load_data
from hwsim.data.sources import read
from hwsim.data.ts_files import read_ts
from hwsim.experiment.experiment import make
from hwsim.files.raw import DataError
from hwsim.settings.sections import DataSettings


def test_chaotic_systems_obey_their_equations():
    """Hénon's map from value to value; Mackey–Glass and Lorenz by differences of what is returned."""
    x = chaos.henon(50)[:, 0]
    np.testing.assert_allclose(x[2:], 1 - 1.4 * x[1:-1] ** 2 + 0.3 * x[:-2], atol=1e-12)
    glass = chaos.mackey_glass(400)[:, 0]
    change = (glass[18:] - glass[16:-2]) / 2
    wanted = 0.2 * glass[:-18] / (1 + glass[:-18] ** 10) - 0.1 * glass[17:-1]
    assert np.abs(change - wanted).max() < 0.04 * np.abs(wanted).max()
    x, y, z = chaos.lorenz(400).T
    slope = (y[2:] - y[:-2]) / 0.04
    wanted = x[1:-1] * (28 - z[1:-1]) - y[1:-1]
    assert np.abs(slope - wanted).max() < 0.05 * np.abs(wanted).max()


def test_targets_are_rows_away():
    """Of a series that is foretold, ahead; of `memory`, back; those of NARMA depend on inputs up to their own row."""
    ahead = read("henon", DataSettings(name="henon", task="regression", length=30, horizon=3))
    np.testing.assert_array_equal(ahead.y[:-3], ahead.x[3:])
    back = read("memory", DataSettings(name="memory", task="regression", length=30, horizon=4))
    np.testing.assert_array_equal(back.y[5:, 3], back.x[1:-4, 0])
    x, y = (getattr(read("narma10", DataSettings(name="narma10", task="regression", length=60)), name)[:, 0] for name in "xy")
    t = 40
    assert y[t] == pytest.approx(0.3 * y[t - 1] + 0.05 * y[t - 1] * y[t - 10 : t].sum() + 1.5 * x[t - 9] * x[t] + 0.1, rel=1e-12)


def test_a_series_is_divided_in_time():
    """The end is tested, or a validation set before it; limits take what is next to that."""
    table = {"circuit": {"inputs": 1, "outputs": 1}, "data": {"name": "henon", "task": "regression", "length": 100}}
    whole = load_data(make(table, "series"))
    limited = table | {"data": table["data"] | {"validation": 0.25, "train_limit": 10, "test_limit": 5}}
    part = load_data(make(limited, "series"))
    np.testing.assert_array_equal(part.x_train, whole.x_train[50:60])
    np.testing.assert_array_equal(part.x_test, whole.x_train[60:65])
    for key, value in (("folds", 3), ("overfit", 10)):
        with pytest.raises(DataError, match=f"data.{key} = {value} draws samples at random"):
            load_data(make(table | {"data": table["data"] | {key: value}}, "series"))


HEAD = "# about\n@problemName small\n@classLabel true a b\n@data\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, "has no sequences"),
        ("1,2:a\n", "line 1: .* stands before @data"),
        (HEAD + "1,2:3:a\n", "line 5: its channels have 2, 1 values"),
        (HEAD + "1,?:a\n", "line 5: value 2 of channel 1 is .*; it must be a finite number"),
        (HEAD + "1,nan:a\n", "must be a finite number"),
        (HEAD + "1,2:a\n1:2:b\n", "line 6: has 2 channels, and the lines before have 1"),
        (HEAD + "1,2\n", "has no class behind its last colon"),
        ("@timeStamps true\n@data\n1:a\n", "without time stamps"),
        ("@classLabel false\n@data\n1:a\n", "have no classes"),
        ("@classLabel true A b\n@data\n1:A\n2:a\n", "line 4: its class a is none of those behind @classLabel true: A, b"),
    ],
)
def test_ts_files_that_are_none_are_refused(tmp_path, text, message):
    """Each in one line that names the place."""
    (tmp_path / "x.ts").write_text(text)
    with pytest.raises(DataError, match=message) as error:
        read_ts(tmp_path / "x.ts", "x.ts")
    assert "\n" not in str(error.value)


def test_ts_files_of_sequences_of_any_length(tmp_path):
    """Both sets; they are filled up with 0, which scaling does not touch, and scales are of channels."""
    (tmp_path / "s_TRAIN.ts").write_text(HEAD + "".join(f"{k},2,3:4,5,{k}:{'ab'[k % 2]}\n" for k in range(12)))
    (tmp_path / "s_TEST.ts").write_text(HEAD + "1,2:3,4:a\n5,6,7,8:1,2,3,4:b\n")
    table = {"circuit": {"inputs": 8, "outputs": 2}, "data": {"name": str(tmp_path / "s_TRAIN.ts"), "scaling": "standard"}}
    data = load_data(make(table, "ts"))
    assert data.x_train.shape == (12, 8)
    assert data.rows_test.tolist() == [2, 4]
    there = data.x_train.reshape(12, 4, 2)[:, :3]
    np.testing.assert_allclose(there.mean(axis=(0, 1)), 0, atol=1e-12)
    np.testing.assert_allclose(there.std(axis=(0, 1)), 1, atol=1e-12)
    assert not data.x_test.reshape(2, 4, 2)[0, 2:].any()


def test_files_that_a_user_must_bring_are_named(monkeypatch, tmp_path):
    """With the place where they are to be had."""
    monkeypatch.setenv("HWSIM_DATA", str(tmp_path))
    for name, file in (("laser", "santafe_laser.npy"), ("vowels", "JapaneseVowels_TRAIN.ts")):
        with pytest.raises(DataError, match=f"put {file} into a folder and let HWSIM_DATA name it"):
            read(name)
    np.save(tmp_path / "santafe_laser.npy", np.arange(50.0))
    laser = read("laser", DataSettings(name="laser", task="regression", length=20))
    np.testing.assert_array_equal(laser.y, laser.x + 1)
    assert len(read("laser", DataSettings(name="laser", task="regression", length=49)).x) == len(read("laser").x) == 49
    with pytest.raises(DataError, match=r"its 50 values make 49 rows that foretell 1 ahead, fewer than data\.length = 50"):
        read("laser", DataSettings(name="laser", task="regression", length=50))


@pytest.mark.parametrize("values", [np.array([1 + 2j, 3]), np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), np.array(["a"]), None])
def test_what_is_no_laser_is_refused(monkeypatch, tmp_path, values):
    """Numbers of another kind, words, and an empty text."""
    monkeypatch.setenv("HWSIM_DATA", str(tmp_path))
    if values is None:
        (tmp_path / "laser.txt").touch()
    else:
        np.save(tmp_path / "laser.npy", values)
    with pytest.raises(DataError, match=r"laser\.(npy: is no list of numbers|txt: its 0 values are too few)"):
        read("laser")


def test_a_moving_average_needs_rows_before():
    """Of NARMA, by the key that sets how many."""
    with pytest.raises(DataError, match=r"narma10: data\.length = 9 is too short"):
        read("narma10", DataSettings(name="narma10", task="regression", length=9))
