"""Numbers in a netlist are read back as the floats that they were."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlists.text.numbers import plain, resistances


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=5))
def test_a_number_is_read_back_as_it_was(values):
    """Writing loses no digit, and leaves nothing that SPICE takes for a suffix."""
    words = plain(values, "values")
    assert [float(word) for word in words] == values
    assert all(re.fullmatch(r"-?\d+(\.\d+)?(e[-+]\d+)?", word) for word in words)


def test_numbers_of_numpy_are_written_like_those_of_python():
    """No `np.float64(…)` comes into a netlist."""
    assert plain(np.float64(0.1), "value") == ["0.1"]
    assert plain(np.array([[1, 2], [3, 4]]), "values") == ["1.0", "2.0", "3.0", "4.0"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(bad):
    """The message names which it is."""
    with pytest.raises(ValueError, match=r"rails\[1, 0\] = -?(nan|inf) cannot be written"):
        plain([[1.0, 2.0], [bad, 3.0]], "rails")


@pytest.mark.parametrize("bad", [0.0, -1e-6, np.nan, np.inf])
def test_a_conductance_that_is_no_resistance_is_refused(bad):
    """SPICE would make 1 milliohm of 0 ohm, and takes negative resistances."""
    with pytest.raises(ValueError, match=r"w1: conductance\[0, 1\]"):
        resistances([[1e-6, bad]], "w1")
