"""Numbers are read as ngspice reads them; where it would leave a part aside in silence, they are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlists.text.expressions import evaluate
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
PARAMETERS = {"a": 3.0, "b": 2.0, "z": 0.0}
EXPRESSIONS = [
    "a+b*2",
    "a^b",
    "a**b",
    "-a^b+20",
    "2^3^2",
    "7%4",
    "7.5%2",
    "-7%4+10",
    "7\\2",
    "5.5\\2",
    "-5.5\\2+10",
    "a>b",
    "a<b?5:7",
    "0?2:0?3:4",
    "1>0?2:3+10",
    "10+(1>0?2:3)",
    "sqr(a)",
    "pow(-3,3)+100",
    "pwr(-3,3)",
    "pwr(-3,2)",
    "ln(a)",
    "log(a)",
    "log10(a*100)",
    "int(-3.7)+10",
    "nint(2.5)",
    "nint(3.5)",
    "nint(-2.5)+10",
    "sgn(-2)+5",
    "ternary_fcn(1,4,5)",
    "4",
    "a&&z+1",
    "a||z",
    "!z",
    "!a+1",
    "2*!a+1",
    "a==3",
    "a!=3?1:2",
    "a<>3?1:2",
    "a>=3",
    "3==2<4",
    "2<3==1",
    "1&&0||1",
    "!2^2+1",
    "arctan(1)",
    "asinh(1)",
    "acosh(2)",
    "atanh(0.5)",
    "tanh(1)",
    "max(-a,b)+10",
    "min(a,b)",
    "floor(3.7)",
    "ceil(3.2)",
    "2^-1",
    "2*-3+100",
    "1e3k",
    "1pF*1e12",
    "5V",
    "1M*1e6",
    "(a)",
    "abs(b-a)",
]


def test_words_mean_to_us_what_they_mean_to_ngspice(tmp_path):
    """Every suffix and unit, in any case."""
    cards = "\n".join(f"i{k} 0 n{k} 1\nr{k} n{k} 0 {word}" for k, word in enumerate(WORDS))
    found = operating_point(f"words\n{cards}\n.end\n", tmp_path).v
    np.testing.assert_allclose([read_number(word)[0] for word in WORDS], [found[f"n{k}"] for k in range(len(WORDS))], rtol=1e-14)


def test_expressions_mean_to_us_what_they_mean_to_ngspice(tmp_path):
    """Precedence, functions, comparisons, powers of negative numbers, rounding of halves."""
    cards = "\n".join(f"v{k} n{k} 0 {{{text}}}" for k, text in enumerate(EXPRESSIONS))
    found = operating_point(f"expressions\n.param a=3 b=2 z=0\n{cards}\n.end\n", tmp_path).v
    ours = [evaluate(text, PARAMETERS.__getitem__) for text in EXPRESSIONS]
    np.testing.assert_allclose(ours, [found[f"n{k}"] for k in range(len(EXPRESSIONS))], rtol=1e-14, err_msg=str(EXPRESSIONS))


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
    """The message says what ngspice would read and what would be right."""
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        read_number(word)


@pytest.mark.parametrize(("word", "means"), [("1M", "write 1meg"), ("10MOhm", "write 10meg"), ("1F", "1 femto, not farad")])
def test_what_is_often_meant_otherwise_is_read_with_a_warning(word, means):
    """`1M` is a milli."""
    value, warning = read_number(word)
    assert value < 0.1
    assert means in warning
    assert read_number(word.lower())[1] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a*-b+1", "ngspice misreads the '-' behind"),
        ("1?-a:b", "ngspice misreads the '-' behind"),
        ("a=3", "compare with =="),
        ("a b", "'b' was not expected"),
        ("(a", "its end was not expected"),
        ("1/z", "divides by 0"),
        ("exp(1e4)", "beyond the largest number"),
        ("sqrt(-a)", "sqrt\\(-3\\) is no real number"),
        ("agauss(1,2,3)", "draws random numbers"),
        ("frob(1)", "there is no function frob; there are abs"),
        ("max(1)", "max takes 2 arguments, not 1"),
        ("4k7*a", "write 4.7k"),
        ("a ~ b", "'~' belongs to no expression"),
        ("__import__('os')", "belongs to no expression"),
        ("", "its end was not expected"),
    ],
)
def test_an_expression_that_is_none_is_refused(text, message):
    """The message quotes it and says what would be right; nothing of Python is within reach."""
    with pytest.raises(ValueError, match=message):
        evaluate(text, PARAMETERS.__getitem__)


@given(st.lists(st.floats(1e-12, 1e3), min_size=1, max_size=40))
def test_a_conductance_is_read_exactly_as_it_was_written(g):
    """Not every float has a float for its inverse; then there are more digits."""
    assert [conductance(word) for word in resistances(g, "w")] == g


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_is_read_without_a_warning(value):
    """Plain numbers mean the same to everybody."""
    assert read_number(plain(value, "value")[0]) == (value, None)
