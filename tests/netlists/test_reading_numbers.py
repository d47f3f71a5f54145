"""Numbers are read as ngspice reads them; where it would leave a part aside in silence, they are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlists.text.numbers import conductance, plain, read_number, resistances
from support.decks import operating_point

WORDS = [
    "1k",
    "1K",
    "1meg",
    "1MEG",
    "1Meg",
    "1m",
    "1M",
    "1mil",
    "1T",
    "1g",
    "1n",
    "1u",
    "1p",
    "1f",
    "1F",
    "1kohm",
    "1Ohm",
    "5V",
    "10pF",
    "1megohm",
    "1MOhm",
    "1e3k",
    "1d3",
    ".5",
    "5.",
    "+5",
    "1E3",
    "1e-3ohm",
    "2.5mA",
    "3s",
    "100R",
    "1kΩ",
    "1µ",
    "7Hz",
]


def test_words_mean_to_us_what_they_mean_to_ngspice(tmp_path):
    """Every suffix and unit, in any case."""
    cards = "\n".join(f"i{k} 0 n{k} 1\nr{k} n{k} 0 {word}" for k, word in enumerate(WORDS))
    result = operating_point(f"words\n{cards}\n.end\n", tmp_path).v
    np.testing.assert_allclose([read_number(word)[0] for word in WORDS], [result[f"n{k}"] for k in range(len(WORDS))], rtol=1e-14)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("1kk", "ngspice reads 1k and leaves 'k' aside; write 1k or the number in full"),
        ("4k7", "ngspice reads 4k and leaves '7' aside; write 4.7k"),
        ("1meg5", "ngspice reads 1meg and leaves '5' aside"),
        ("2R2", "ngspice reads 2 and leaves 'r2' aside"),
        ("1e", "ngspice reads 1 and leaves 'e' aside"),
        ("1_000", "ngspice reads 1 and leaves '_000' aside"),
        ("10%", "ngspice reads 10 and leaves '%' aside"),
        ("1mho", "ngspice reads 1m and leaves 'ho' aside"),
        ("1farad", "ngspice reads 1f and leaves 'arad' aside"),
        ("5A", "from version 41 on `a` is 1e-18, before it is nothing; write 5 or 5e-18"),
        ("1.5.2", "is no number; write it like 4700, 4.7k or 4.7e3"),
        ("abc", "is no number"),
        ("", "is no number"),
        ("nan", "is no number"),
        ("1e400", "is beyond the largest number"),
    ],
)
def test_what_ngspice_misreads_in_silence_is_refused(word, message):
    """The message names what ngspice would read and what would be right."""
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        read_number(word)


@pytest.mark.parametrize(("word", "means"), [("1M", "write 1meg"), ("10MOhm", "write 10meg"), ("1F", "1 femto, not farad")])
def test_what_is_often_meant_otherwise_is_read_with_a_warning(word, means):
    """`1M` is a milli."""
    value, warning = read_number(word)
    assert value < 0.1
    assert means in warning
    assert read_number(word.lower())[1] is None


@given(st.lists(st.floats(1e-12, 1e3), min_size=1, max_size=40))
def test_a_conductance_is_read_exactly_as_it_was_written(g):
    """Not every float has a float for its inverse; then there are more digits."""
    assert [conductance(word) for word in resistances(g, "w")] == g


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_is_read_without_a_warning(value):
    """Plain numbers mean the same to everybody."""
    assert read_number(plain(value, "value")[0]) == (value, None)
