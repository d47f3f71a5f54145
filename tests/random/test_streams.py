"""Random streams by name."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hwsim.random.streams import stream

seeds = st.integers(0, 2**63 - 1)


@given(seeds, st.text())
def test_a_stream_always_begins_alike(seed: int, name: str) -> None:
    """Seed and name alone decide what is drawn."""
    assert np.array_equal(stream(seed, name).random(8), stream(seed, name).random(8))


@given(seeds, st.text(), st.text())
def test_streams_of_other_names_differ(seed: int, name: str, other: str) -> None:
    """Two names share nothing, so a new stream moves no old one."""
    assert np.array_equal(stream(seed, name).random(8), stream(seed, other).random(8)) == (name == other)


def test_streams_are_the_same_everywhere() -> None:
    """What a seed gives is fixed for good: these numbers were drawn once and must not change."""
    assert stream(0, "split").integers(1000, size=4).tolist() == [200, 962, 779, 734]
