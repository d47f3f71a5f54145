"""Validation sets: held out of the training set, with the test set out of sight."""

import numpy as np
import pytest

from hwsim.data.loading import load_data
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.files.raw import DataError


def test_the_test_part_is_never_looked_at() -> None:
    """Validation samples come from the training set alone, in the same share of each class; none of the test set is to be seen."""
    plain = load("iris")
    whole, validated = load_data(plain), load_data(override(plain, ["data.validation=0.25", "data.scaling=none"]))
    unscaled = load_data(override(plain, ["data.scaling=none"]))
    rows = {tuple(row) for row in np.vstack([validated.x_train, validated.x_test])}
    assert len(validated.x_train) + len(validated.x_test) == len(whole.x_train) == 120
    assert np.bincount(validated.labels_test).tolist() == [10, 10, 10]
    assert rows == {tuple(row) for row in unscaled.x_train}


def test_validation_moves_nothing_else() -> None:
    """Another share holds out others, and the samples that stay keep their order; so does the split of test and training set."""
    plain = override(load("iris"), ["data.scaling=none"])
    whole = load_data(plain).x_train.tolist()
    for share in (0.1, 0.5):
        kept = load_data(override(plain, [f"data.validation={share}"])).x_train.tolist()
        places = iter(whole)
        assert all(row in places for row in kept)


def test_scaling_sees_neither_part() -> None:
    """Features are scaled by what is left to learn from."""
    validated = load_data(override(load("iris"), ["data.validation=0.5", "data.scaling=standard"]))
    assert np.allclose(validated.x_train.mean(axis=0), 0)
    assert not np.allclose(validated.x_test.mean(axis=0), 0)


def test_a_class_of_one_sample_cannot_be_held_out(tmp_path) -> None:
    """The line shows how many it takes."""
    (tmp_path / "few.csv").write_text("1,a\n2,a\n3,b\n4,b\n")
    settings = ["circuit.inputs=1", "circuit.outputs=2", f"data.name={tmp_path / 'few.csv'}", "data.validation=0.5"]
    settings.append("data.test_share=0.5")
    with pytest.raises(DataError, match="needs 2"):
        load_data(override(load("xor"), settings))
