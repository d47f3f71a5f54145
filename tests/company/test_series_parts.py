"""Shares of unequal sizes, and of a series its parts: one behind the other, each with a washout of its own."""

import numpy as np
import pytest

from hwsim.company.shards import divided, series_parts, sizes_of
from hwsim.files.raw import DataError
from hwsim.settings.company_settings import CompanySettings


def test_parts_follow_each_other():
    """No row is in two parts, and each chip learns from as many as it was given, or as all others without sizes."""
    parts = series_parts(2200, 200, CompanySettings(chips=4, sizes=(20, 300)))
    assert [part.start for part in parts] == [0, *(part.stop for part in parts[:-1])]
    assert [part.stop - part.start - 200 for part in parts] == [20, 300, 540, 540]
    assert series_parts(100, 10, CompanySettings(chips=3, shards="same")) == (slice(0, 100),) * 3


@pytest.mark.parametrize("shards", ["disjoint", "by-class", "dirichlet"])
def test_sizes_are_as_given(shards):
    """However samples are drawn, and none is with two chips."""
    labels = np.random.default_rng(0).integers(0, 3, 200)
    shares = divided(labels, CompanySettings(chips=4, sizes=(20,), shards=shards), 0).shards
    assert [len(share) for share in shares] == [20, 60, 60, 60]
    assert len(set(np.concatenate(shares).tolist())) == 200


def test_sizes_of_all_chips_leave_samples_over():
    """Of which nobody learns; more than there are cannot be given."""
    assert sizes_of(100, CompanySettings(chips=2, sizes=(20, 30))) == [20, 30]
    with pytest.raises(DataError, match=r"too few for 2 chips with company\.sizes = \[20, 90\]"):
        divided(np.zeros(100, np.intp), CompanySettings(chips=2, sizes=(20, 90)), 0)
    with pytest.raises(DataError, match=r"2200 rows are too few for 11 chips, each with a washout of 200 rows; lower company\.chips"):
        series_parts(2200, 200, CompanySettings(chips=11))
