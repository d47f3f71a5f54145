"""Kept code of generated text: the same classes as without, compiled once, and none from a damaged file."""

import ast
import collections
import dataclasses
import os
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.generated_code import GeneratedCode


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave Python's modules as they were."""
    monkeypatch.setitem(vars(dataclasses), "exec", exec)
    monkeypatch.setitem(vars(collections), "eval", eval)  # noqa: S307 - nothing is evaluated
    monkeypatch.setitem(vars(typing), "compile", compile)
    yield
    monkeypatch.undo()


def classes() -> tuple[Any, Any]:
    """Make a frozen class and a named tuple, which no other test makes."""

    @dataclasses.dataclass(frozen=True, slots=True, order=True)
    class Kept:
        first: int
        second: list[int] = dataclasses.field(default_factory=list)

    return Kept, typing.NamedTuple("KeptTuple", [("left", int), ("right", str)])


def described(kept: Any, pair: Any) -> list[Any]:
    """Return all that two classes do."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        kept(1).first = 2
    made = [kept(1), kept(1, [2]), kept(2)]
    signature = typing.get_type_hints(kept.__init__)
    orders = made[0] == kept(1), made[0] < made[2]
    return [*map(repr, made), orders, kept.__slots__, signature, pair(1, "2"), pair(left=2, right="1")._asdict()]


def test_classes_are_the_same_with_kept_code(tmp_path: Path) -> None:
    """Made as ever, made while their code is kept, and made of kept code, they do the same."""
    plain = described(*classes())
    for compiled in (True, False):
        generated = GeneratedCode(tmp_path)
        generated.use()
        assert described(*classes()) == plain
        assert bool(generated.new) == compiled
        generated.keep()


@pytest.mark.parametrize("spoil", [lambda content: content[:-9], lambda content: content[:99] + b"?" + content[100:], lambda _: b""])
def test_a_damaged_file_is_not_run(spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """What is cut or changed is compiled again, and is whole afterwards."""
    for _ in range(2):
        generated = GeneratedCode(tmp_path)
        assert generated.compile("6 * 7", "<string>", "eval") == compile("6 * 7", "<string>", "eval")
        assert generated.new
        generated.keep()
        generated.path.write_bytes(spoil(generated.path.read_bytes()))


def test_what_two_processes_keep_is_there_for_both(tmp_path: Path) -> None:
    """The second one to end adds to what the first one wrote."""
    both = [GeneratedCode(tmp_path), GeneratedCode(tmp_path)]
    for number, generated in enumerate(both):
        generated.compile(f"{number} + 1", "<string>", "eval")
        generated.keep()
    third = GeneratedCode(tmp_path)
    for number in range(2):
        third.compile(f"{number} + 1", "<string>", "eval")
    assert not third.new


def test_the_same_text_in_another_mode_is_other_code(tmp_path: Path) -> None:
    """A value's code returns it, a statement's does not."""
    generated = GeneratedCode(tmp_path)
    for mode in ("eval", "exec"):
        assert generated.compile("five", "<string>", mode).co_code == compile("five", "<string>", mode).co_code
    assert len(generated.new) == 2


def test_what_is_asked_for_in_other_ways_is_compiled_and_not_kept(tmp_path: Path) -> None:
    """Other versions of Python may compile with flags, or what is no text."""
    generated = GeneratedCode(tmp_path)
    for text in ("6 * 7", ast.parse("6 * 7", mode="eval")):
        assert eval(generated.compile(text, "<string>", "eval", flags=0)) == 42  # noqa: S307 - our own text
        assert eval(generated.compile(text, "<string>", "eval")) == 42  # noqa: S307 - as above
    assert len(generated.new) == 1


@pytest.mark.parametrize(("without", "files"), [("", 1), ("1", 0)])
def test_commands_keep_code_where_python_keeps_that_of_files(without: str, files: int, tmp_path: Path) -> None:
    """Whoever wants no bytecode on disk gets none, and all see the same words."""
    words = [sys.executable, "-c", "from cli.main import run; run()", "zoo", "xor"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION")}
    environment |= {"XDG_CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": without}
    printed = {subprocess.run(words, capture_output=True, check=True, env=environment).stdout for _ in range(2)}
    assert len(printed) == 1
    assert len(list(tmp_path.glob("hwsim/programs/*.code"))) == files
