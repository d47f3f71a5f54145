"""What a command does not need, it does not load: most of a short command's time is loading libraries."""

import subprocess
import sys
from pathlib import Path

import pytest

LIBRARIES = {"jax", "matplotlib", "networkx", "numpy.ma", "scipy", "sklearn"}
"""Each takes a tenth of a second and more, but for masked arrays: a fiftieth of a short command, for sets of a few numbers."""

DECKS = {"netlists.deck", "hwsim.ngspice.expander", "hwsim.experiment.deck_layers"}
"""What reads decks."""


def loaded(words: list[str], folder: Path) -> set[str]:
    """Run a command in a process of its own; return the modules that it has loaded, a package for all of its modules too."""
    code = f"import sys; from cli.main import main; code = main({words!r}); sys.stderr.write('\\n' + ' '.join(sys.modules)); sys.exit(code)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    modules = set(done.stderr.splitlines()[-1].split())
    return modules | {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (["keys"], set[str]()),
        (["docs"], set[str]()),
        (["devices"], set[str]()),
        (["compile", "iris", "-o", "iris.cir"], set[str]()),
        (["inspect", "iris"], set[str]()),
        (["solve", "iris", "--sample", "0"], set[str]()),
        (["evaluate", "xor"], set[str]()),
        (["train", "iris", "--epochs", "1"], {"jax", "numpy.ma"}),
    ],
    ids=lambda part: part[0] if isinstance(part, list) else None,
)
def test_a_command_loads_only_what_it_needs(words: list[str], needed: set[str], tmp_path: Path) -> None:
    """No command loads a library for others' sake, and none that has no deck loads what reads decks."""
    modules = loaded(words, tmp_path)
    assert "cli.main" in modules
    assert (modules & LIBRARIES) <= needed
    if words[0] != "inspect":  # which writes down what is in a deck
        assert not modules & DECKS


def test_a_report_of_a_run_loads_nothing_of_sweeps(trained: Path, tmp_path: Path) -> None:
    """Nor ensembles and trainings, which sweeps are made of, and JAX for a small circuit."""
    modules = loaded(["report", str(trained), "-o", "page.html"], tmp_path)
    assert "hwsim.report.run_section" in modules
    assert not modules & {"jax", "hwsim.report.sweep_section", "hwsim.ensemble", "hwsim.learning.trainer"}
