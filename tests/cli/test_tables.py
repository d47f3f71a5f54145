"""Tables fit the terminal and lose nothing; so does what every command prints."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.tables import table, wrapped
from hwsim.experiment.loading import load
from hwsim.tuning import trial

WORDS = st.text("abcxyz.,-_/", min_size=1, max_size=30)
CELLS = st.one_of(st.lists(WORDS, max_size=9).map(" ".join), st.floats(-1e6, 1e6).map("{:.4g}".format), st.just("–"))
TABLES = st.integers(1, 9).flatmap(
    lambda columns: st.tuples(
        st.lists(st.lists(WORDS, min_size=1, max_size=4).map(" ".join), min_size=columns, max_size=columns),
        st.lists(st.lists(CELLS, min_size=columns, max_size=columns), max_size=4),
    )
)


def letters(text: str) -> list[str]:
    """List the characters of a text in order, without white space."""
    return sorted(text.replace(" ", "").replace("\n", ""))


@given(TABLES, st.integers(1, 3), st.integers(40, 120))
def test_a_table_fits_and_loses_nothing(cells: tuple[list[str], list[list[str]]], keys: int, width: int) -> None:
    """No line is wider; every character of every cell is there, those of the first columns once a table."""
    header, rows = cells
    text = table(header, rows, keys=keys, width=width)
    assert all(len(line) <= width for line in text.splitlines())
    shown, wanted = letters(text), letters("".join(header) + "".join(map("".join, rows)))
    for character in set(wanted):
        assert shown.count(character) >= wanted.count(character)


def test_a_table_that_fits_has_a_line_a_row() -> None:
    """Texts are aligned to the left, numbers to the right."""
    text = table(("name", "error [%]"), [("iris", "3.33"), ("digits", "–")], width=80)
    assert text == "name    error [%]\niris         3.33\ndigits          –"


def test_headers_wrap_first_then_texts_then_columns_move_below() -> None:
    """A wider table gets narrower in this order; the columns that name what a row is about are repeated."""
    header, row = ("key", "mean of all values", "about"), ("a", "1.00", "six words that describe a row")
    assert table(header, [row], width=60).splitlines()[0] == "key  mean of all values  about"
    narrow = table(header, [row], width=50).splitlines()
    assert [line.split() for line in narrow[:2]] == [["mean", "of", "all"], ["key", "values", "about"]]
    assert narrow[2].split() == ["a", "1.00", *row[2].split()]
    narrower = table(header, [row], width=40).splitlines()
    assert [line.split() for line in narrower[-2:]] == [["a", "1.00", *row[2].split()[:-1]], ["row"]]
    many = table(("key", *(f"number {k}" for k in range(9))), [("a", *["1.234567"] * 9)], width=40)
    assert [part.split()[-2:] for part in many.split("\n\n")] == [["1.234567", "1.234567"]] * 3
    assert many.count("key") == many.count("a ") == 3


def test_a_word_that_fits_is_not_broken() -> None:
    """Paths are copied from tables; a longer one has to be broken."""
    path = "/usr/lib/x86_64-linux-gnu/libngspice.so.0"
    for width, whole in ((60, True), (40, False)):
        text = table(("what", "found"), [("library", f"ngspice-39, without KLU, {path}")], width=width)
        assert (path in text) == whole
    assert "first-order" in table(("what", "about"), [("a", "words of two parts as first-order ones")], width=40)


def test_the_last_column_is_not_by_itself() -> None:
    """A table below has two columns where the one above can spare one."""
    parts = table(("key", "b", "c", "d", "e"), [("k", *["12345678"] * 4)], width=40).split("\n\n")
    assert [part.splitlines()[0].split() for part in parts] == [["key", "b", "c"], ["key", "d", "e"]]


def test_a_paragraph_wraps_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths stay whole; further lines are indented."""
    monkeypatch.setenv("COLUMNS", "50")
    path = "/a/rather/long/path/that/does/not/fit/into/one/line/of/fifty.toml"
    assert wrapped(f"best     {path} (train with it)", "  ").splitlines() == ["best", f"  {path}", "  (train with it)"]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_lists_fit_any_terminal(hwsim, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Zoo, devices and findings are as wide as the terminal, and not wider."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("tests.cli.conftest.WIDTH", width, raising=False)
    for words in (("zoo",), ("devices",), ("devices", "pcm"), ("doctor",)):
        lines = hwsim(*words).out.splitlines()
        assert max(len(line) for line in lines if "/" not in line) in range(width // 2, width + 1)


def test_every_table_of_a_run_fits(hwsim, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many outputs, samples, chips, keys and classes need more tables, not wider ones."""
    for words in (
        ("inspect", "iris"),
        ("solve", trained, "--nodes", "--currents", "--sample", "0:7"),
        ("evaluate", trained, "--chips", "2"),
    ):
        answer = hwsim(*words)  # which asserts the width
        assert answer.code == 0, answer.err
    monkeypatch.setattr(trial, "validation_errors", lambda experiment: iter([experiment.training.optimizer.b1]))
    keys = "training.adam_b1=0.1:0.5 training.target_high=0.1:0.2 circuit.layers.0.neuron.i_sat=log:1e-7:1e-6 training.batch=4,8"
    answer = hwsim("tune", "iris", *(word for key in keys.split() for word in ("--vary", key)), "--trials", "3")
    assert answer.code == 0, answer.err
    assert load("iris-tuned.toml").training.batch in {4, 8}


ARGUMENTS = st.one_of(
    st.text("ab-./=", max_size=12).map("a/{}".format), st.sampled_from(["--resume", "--mode evaluate", "--epochs 5", "RUN"])
)
COMMANDS = st.tuples(st.sampled_from(["hwsim train", "hwsim keys training"]), st.lists(ARGUMENTS, max_size=3)).map(
    lambda parts: " ".join([parts[0], *parts[1]])
)
SENTENCES = st.lists(st.one_of(WORDS, COMMANDS.map("{}; then".format)), min_size=1, max_size=12).map(" ".join)


@given(SENTENCES, st.integers(40, 100))
def test_a_paragraph_wraps_between_words_and_around_commands(text: str, width: int) -> None:
    """No word is lost or broken, no line is longer unless it is one word, and a command that fits into a line is in one."""
    lines = wrapped(text, width=width).split("\n")
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= width or " " not in line.strip() for line in lines)
    for command in re.findall(r"hwsim [^;]*(?=;)", text):
        assert len(command) >= width or any(command in line for line in lines)


@pytest.mark.parametrize("terminal", [True, False])
def test_messages_wrap_on_a_terminal_and_are_one_line_elsewhere(hwsim, monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:  # noqa: FBT001
    """What searches lines finds all of a message; what people read fits, with a path or a command to copy in one piece."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    lines = hwsim("train", "iris", "--set", "training.epoch=3").err.splitlines()
    assert (len(lines) > 1) == (max(map(len, lines)) <= 80) == terminal
    assert any("hwsim keys training" in line for line in lines)
