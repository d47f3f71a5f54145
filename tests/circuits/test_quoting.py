"""Quoting: what a message shows of its input is short, one line, and still recognisable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.quoting import LONGEST, LONGEST_LINE, LONGEST_PATH, brief, quote, quote_all, quote_path, quoted, without

ANYTHING = st.one_of(
    st.text(max_size=400), st.integers(), st.floats(), st.lists(st.text(max_size=80)), st.text(min_size=1).map(lambda t: t * 300)
)


@given(ANYTHING)
def test_no_quotation_is_long_or_more_than_a_line(value: object) -> None:
    """Whatever is quoted fits in its room, in one line that commands no terminal."""
    for text, most in ((quote(value), LONGEST), (quoted(value), LONGEST), (quote_path(value), LONGEST_PATH)):
        assert len(text) <= most
        assert text.isprintable()


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=LONGEST - 2))
def test_what_is_short_stays_as_it_is(text: str) -> None:
    """A name of usual length is shown whole, by all of them."""
    assert quote(text) == quote_path(text) == brief(text) == text
    assert quoted(text) == repr(text)


def test_what_was_left_out_is_marked() -> None:
    """A quotation that was cut shows so: at its end, or for a path in its middle; a text keeps its quotation marks."""
    assert quote("a b" * 100).endswith("…")
    assert quoted("x" * 100) == "'" + "x" * (LONGEST - 3) + "…'"
    path = quote_path("/home/" + "x" * 300 + "/digits.npz")
    assert (path[:6], path[-11:]) == ("/home/", "/digits.npz")
    assert "…" in path


@pytest.mark.parametrize("count", [0, 1, 3, 10_000])
def test_a_list_names_some_and_counts_the_others(count: int) -> None:
    """All are accounted for, however many there are."""
    text = quote_all([f"w{k}" for k in range(count)], nothing="none")
    shown, _, more = text.partition(" and ")
    assert len(text) < 90
    assert (len(shown.split(", ")) if count else 0) + int(more.split()[0] if more else 0) == count
    assert (shown == "none") == (count == 0)


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=300), max_size=3))
def test_a_message_loses_only_the_middle_of_endless_words(words: list[str]) -> None:
    """No word is longer than a path may be, and words that are not stay where they were."""
    message = " ".join(words)
    for before, after in zip(message.split(" "), brief(message).split(" "), strict=True):
        assert len(after) <= LONGEST_PATH
        assert after == before or len(before) > LONGEST_PATH


def test_what_was_given_is_replaced_by_its_quotation() -> None:
    """A message that repeats a long argument shows its beginning; short ones stay."""
    long = "a long argument " * 20
    assert without(f"{long}: no such name; short", [long, "short"]) == f"{quote(long)}: no such name; short"


def test_a_line_of_a_message_has_an_end() -> None:
    """However many short words it has; other lines keep theirs."""
    first, second = brief("a word " * 1000 + "\nanother").splitlines()
    assert len(first) <= LONGEST_LINE
    assert second == "another"
