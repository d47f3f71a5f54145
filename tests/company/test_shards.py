"""Shards: chips share the training set without overlap, equally, and as it is asked."""

import numpy as np
import pytest

from hwsim.company.shards import divided
from hwsim.files.raw import DataError
from hwsim.settings.company_settings import CompanySettings

LABELS = np.random.default_rng(0).integers(0, 5, 500)


@pytest.mark.parametrize("shards", ["disjoint", "by-class", "dirichlet"])
def test_shards_do_not_overlap(shards):
    """No sample is with two chips, none of the pool is with any, and all chips have equally many."""
    division = divided(LABELS, CompanySettings(chips=4, shards=shards, common=50), 0)
    every = np.concatenate([*division.shards, division.common])
    assert len(set(every.tolist())) == len(every)
    assert {len(shard) for shard in division.shards} == {112}
    assert len(division.common) == 50


def test_the_same_shard_is_all_of_it():
    """With `same`, each chip has all samples but the pool's."""
    division = divided(LABELS, CompanySettings(chips=3, shards="same", common=100), 0)
    assert all(len(set(shard.tolist()) | set(division.common.tolist())) == 500 for shard in division.shards)


def test_classes_are_skewed_as_asked():
    """By class each chip sees few classes; a small concentration leaves chips more unequal than a large one."""

    def classes(**settings):
        division = divided(LABELS, CompanySettings(chips=5, **settings), 0)
        return [np.bincount(LABELS[shard], minlength=5) for shard in division.shards]

    assert max(np.count_nonzero(counts) for counts in classes(shards="by-class")) <= 3
    spread = {skew: np.mean([counts.std() for counts in classes(shards="dirichlet", skew=skew)[:2]]) for skew in (0.1, 100.0)}
    assert spread[0.1] > 2 * spread[100.0]


def test_the_same_seed_divides_alike():
    """A seed gives one division, another seed another."""
    settings = CompanySettings(chips=4)
    first, again, other = (divided(LABELS, settings, seed).shards[0] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_too_few_samples():
    """Chips without samples are refused."""
    with pytest.raises(DataError, match="too few"):
        divided(LABELS, CompanySettings(chips=600), 0)
