"""The examples run as they are, and each finds the number that it shows."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from hwsim.docs.example_files import example_files

NUMBERS: dict[str, tuple[str, Any]] = {
    "fit_device.py": ("kind", "linear"),
    "jax_model.py": ("score", pytest.approx(1, abs=0.04)),
    "perceptron_on_chips.py": ("tuned", pytest.approx(0.905, abs=0.03)),
    "sweep_plot.py": ("error", [pytest.approx(error, abs=0.02 + error / 2) for error in (0.02, 0.12, 0.25, 0.44)]),
    "train_deck.py": ("ratio", pytest.approx(0.3, abs=1e-3)),
    "train_iris.py": ("score", pytest.approx(0.96, abs=0.03)),
}
"""A number of each, and what it is."""

FILES = {"sweep_plot.py": "stuck.png", "train_iris.py": "iris.cir"}
"""What they write for a reader to look at."""


def test_each_has_a_number() -> None:
    """And a line that describes it, and cells."""
    assert [one.name for one in example_files()] == sorted(NUMBERS)
    for one in example_files():
        assert one.about.endswith(".")
        assert one.text.count("\n# %% ") >= 2


@pytest.mark.parametrize("name", NUMBERS)
def test_it_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, as a copy does."""
    (example,) = [one for one in example_files() if one.name == name]
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(example.text, encoding="utf-8")
    key, wanted = NUMBERS[name]
    assert runpy.run_path(name)[key] == wanted
    assert name not in FILES or Path(FILES[name]).stat().st_size
