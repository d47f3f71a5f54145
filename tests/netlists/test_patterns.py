"""Patterns of names mean what their signs stand for, and take no longer than the name is long."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from netlists.read.roles import compiled


def plainly(pattern):
    """Translate sign by sign; right, and slow for names that nearly fit."""
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".").replace(r"\#", r"\d+"))


@settings(max_examples=500)
@given(st.text("a1*?#", max_size=8), st.text("ab12", max_size=8))
@example("*a#*5", "a55")
@example("*#*", "7")
@example("*##a*", "12a")
@example("**", "")
def test_a_pattern_fits_what_its_signs_say(pattern, name):
    """`*` is anything, `?` one character, `#` a number, whatever stands between them."""
    assert bool(compiled(pattern).fullmatch(name)) == bool(plainly(pattern).fullmatch(name))


def test_a_name_that_nearly_fits_is_soon_refused():
    """Fifteen stars would have a backtracking search try more ways than there are atoms."""
    assert not compiled("*a" * 15 + "b").fullmatch("a" * 5000)
