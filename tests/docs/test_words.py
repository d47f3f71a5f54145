"""Words of the source and the results: plain technical English; one class name means one thing."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.markdown import ROOT, prose
from support.words import avoided

FOLDERS = (
    "circuits",
    "cli",
    "hwsim",
    "netlists",
    "results",
    "tests",
)
"""Folders whose Python files are read; those inside of them too."""

PACKAGES = ("circuits", "cli", "hwsim", "netlists", "results")

EXCEPTIONS = {
    r"sources say beta|say how: beta|tell hwsim what is what": "lines of decks, which results keep as they were written",
    r'"fence"': "a token of markdown-it",
    r'"told"': "a key of the golden file",
    r"\.tell\(": "a method of Optuna's studies and of files",
    r'f"witness/': "the name of a random stream, whose numbers stay",
    r"--witness\b|\bwitness(?=:| is|$|\)|,)|if witness": "an option of hwsim check",
}
"""What a word of the list may stand in, and why."""

OPENINGS = {"Give", "Gives", "Tell", "Tells", "Hear", "Hears", "Say", "Says"}
"""First words that no docstring has: return, compute, print, describe … are plain."""

PARTICIPLES = {"found", "held", "own", "told", "said", "known"}
"""Names that leave open what they name: `equilibrium`, `fixed_nodes`, `row` … do not."""

NAMED = {
    ("hwsim/checks/doctor.py", "found"): "a key of the JSON of hwsim doctor",
    ("tests/foreign/renew.py", "known"): "writes known.txt",
    ("tests/support/foreign_decks.py", "known"): "reads known.txt",
}
"""Participles that are names all the same, and why."""

LISTS = {"tests/docs/test_words.py", "tests/support/words.py"}
"""Files that list the words."""

PATHS = {str(path.relative_to(ROOT)): path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))}
FILES = {name: path.read_text(encoding="utf-8") for name, path in PATHS.items() if name not in LISTS}


def names_of(tree: ast.Module) -> Iterator[str]:
    """List the names that a module assigns or defines, parameters and attributes included, without underscores in front."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name.lstrip("_")
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name.lstrip("_")


@pytest.mark.parametrize("folder", FOLDERS)
def test_words_are_plain(folder: str) -> None:
    """Neither code nor comments nor messages have a word of the list."""
    allowed = re.compile("|".join(EXCEPTIONS), re.MULTILINE)
    assert not [f"{file}, {word}" for file, text in FILES.items() if file.startswith(folder) for word in avoided(allowed.sub("", text))]


@pytest.mark.parametrize("folder", FOLDERS)
def test_docstrings_and_names_say_what_things_are(folder: str) -> None:
    """A docstring opens with what is done, and a name is what it names."""
    for file, text in FILES.items():
        if file.startswith(folder):
            tree = ast.parse(text)
            documented = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
            docstrings = [ast.get_docstring(node) or "" for node in documented]
            assert not [docstring for docstring in docstrings if re.split(r"\W", docstring)[0] in OPENINGS], file
            assert not [name for name in names_of(tree) if name in PARTICIPLES and (file, name) not in NAMED], file


def test_class_names_mean_one_thing() -> None:
    """No class of these folders has the name of another one of the project."""
    places = defaultdict(list)
    for path in (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert not {name: files for name, files in places.items() if len(files) > 1 and FILES.keys() & set(files)}


def test_exceptions_are_needed() -> None:
    """Each of them stands for something that is there."""
    for allowed in EXCEPTIONS:
        assert any(re.search(allowed, text, re.MULTILINE) for text in FILES.values()), allowed
    for file, name in NAMED:
        assert name in set(names_of(ast.parse(FILES[file]))), (file, name)


@pytest.mark.parametrize("path", sorted((ROOT / "results").rglob("*.md")), ids=lambda path: str(path.relative_to(ROOT)))
def test_results_are_plain(path: Path) -> None:
    """The prose of the results has none of the words either."""
    assert not list(avoided(prose(path.read_text(encoding="utf-8"))))
