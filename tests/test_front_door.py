"""The front door: `import hwsim` is light, and everything behind it exists, is described and shown."""

import ast
import doctest
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import hwsim


def test_importing_loads_nothing_and_changes_nothing() -> None:
    """No library comes with it, JAX above all, whose settings are its user's; a name that is not there names which are."""
    script = """
import json, sys
before = set(sys.modules)
import hwsim
loaded = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
try:
    hwsim.nothing
except AttributeError as error:
    message = str(error)
print(json.dumps([loaded, message, dir(hwsim) == hwsim.__all__]))
"""
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    loaded, message, listed = json.loads(done.stdout)
    assert set(loaded) - sys.stdlib_module_names == {"hwsim"}
    assert message.startswith("module 'hwsim' has no attribute 'nothing'; the public names are Amplifier, Chip")
    assert listed


def test_type_checkers_see_the_same_names() -> None:
    """The imports for them and the table of names agree."""
    tree = ast.parse(inspect.getsource(hwsim))
    (guarded,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {alias.asname: node.module for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported == hwsim._MODULES


@pytest.mark.parametrize("name", hwsim.__all__)
def test_every_public_name_is_described(name: str) -> None:
    """What it is, its parameters, and of a function what it raises."""
    public = getattr(hwsim, name)
    text = inspect.getdoc(public) or ""
    assert text, name
    if inspect.isfunction(public) and inspect.signature(public).parameters:
        assert "Raises\n------" in text
        assert "Parameters\n----------" in text


@pytest.mark.parametrize("name", hwsim.__all__)
def test_every_example_works(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is behind the front door shows how it is used."""
    monkeypatch.chdir(tmp_path)
    public = getattr(hwsim, name)
    (example,) = [one for one in doctest.DocTestFinder(recurse=False).find(public, name, globs={}) if one.examples]
    report: list[str] = []
    result = doctest.DocTestRunner().run(example, out=report.append)
    assert result.attempted
    assert not result.failed, "".join(report)
