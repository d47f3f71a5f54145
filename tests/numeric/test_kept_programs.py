"""Programs that are kept on disk: the same bits without tracing, and never a program that was made for something else."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from hwsim.ensemble import ensemble_trainer
from hwsim.ensemble.instances import Instance, outcomes
from hwsim.experiment.loading import load
from hwsim.files.caches import PROGRAMS
from hwsim.learning import step
from hwsim.learning.losses import SquaredError
from hwsim.numeric import kept_programs
from hwsim.numeric.jax_scope import jax_scope
from hwsim.numeric.kept_programs import kept
from hwsim.numeric.layered import programs
from hwsim.session import Session
from hwsim.settings.variation_settings import NoiseSettings
from netlists.self_learning.learning import SelfLearning


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep programs in a folder of the test's."""
    monkeypatch.setenv(PROGRAMS, str(tmp_path))
    return tmp_path


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Record for each program that is looked for whether it was loaded."""
    looked, plain = list[bool](), kept_programs._loaded

    def loaded(path: Path) -> Callable[..., Any] | None:
        program = plain(path)
        looked.append(program is not None)
        return program

    monkeypatch.setattr(kept_programs, "_loaded", loaded)
    return looked


class Counted:
    """A program that counts how often it is traced."""

    def __init__(self, factor: float) -> None:
        self.factor, self.traced = factor, 0

    def made(self, structure: Any) -> Any:
        """Return it, kept under a structure."""
        return kept(jax.jit(self), structure)

    def __call__(self, x: Any) -> Any:
        """Compute something that takes several operations."""
        self.traced += 1
        return jax.lax.fori_loop(0, 3, lambda _, v: v * self.factor + (v @ v).sum(), x)


def run(structure: Any, x: Any, factor: float = 0.5) -> tuple[Any, int]:
    """Run a program as another process would; return what it computes, and how often it was traced."""
    counted = Counted(factor)
    with jax_scope():
        return np.asarray(counted.made(structure)(x)), counted.traced


X = np.linspace(0.0, 0.1, 9).reshape(3, 3)
KEEPING = 2
"""Runs after which a program is kept: what JAX's own cache has is compiled for that at the second one."""


def test_what_is_kept_is_not_traced_again(folder: Path, loads: list[bool]) -> None:
    """It computes the same bits; other structures, shapes and types have programs of their own."""
    usual = [run(("a", SquaredError()), X)[0] for _ in range(KEEPING)]
    again, traced = run(("a", SquaredError()), X)
    assert (traced, loads[-1]) == (0, True)
    assert list(folder.glob("*.program"))
    for one in usual:
        np.testing.assert_array_equal(again, one)
    for structure, x in ((("b", SquaredError()), X), (("a", SquaredError()), X[:2, :2]), (("a", SquaredError()), X.astype(np.float32))):
        assert run(structure, x)[1] > 0


def test_what_others_define_is_not_kept(folder: Path) -> None:
    """Their sources may change unseen; a function without a name cannot be written down."""
    for structure in (Counted, lambda: 0, Counted(1.0), SelfLearning):
        for _ in range(KEEPING + 1):
            assert run(("c", structure), X)[1] > 0
    assert not list(folder.iterdir())


def test_a_damaged_file_is_compiled_again(folder: Path, loads: list[bool]) -> None:
    """Nobody sees that it was damaged, by a bit or more, and it is written again."""
    expected, _ = [run("d", X)[0] for _ in range(KEEPING)]
    (path,) = folder.glob("*.program")
    whole = path.read_bytes()
    middle = len(whole) // 2
    for content in (b"", whole[:1000], b"cos\nsystem\n.", whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]):
        path.write_bytes(content)
        for _ in range(KEEPING):
            np.testing.assert_array_equal(run("d", X)[0], expected)
            assert not loads[-1]
        assert run("d", X)[1] == 0
        assert loads[-1]


def test_a_folder_that_is_only_read_has_its_programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled because the time of a file cannot be set."""
    for _ in range(KEEPING):
        run("r", X)

    def refuse(path: Path) -> None:
        raise PermissionError(path)

    assert list(folder.glob("*.program"))
    monkeypatch.setattr(kept_programs.os, "utime", refuse)
    assert run("r", X)[1] == 0


def test_other_sources_and_settings_have_programs_of_their_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was compiled from other sources of hwsim, or for XLA set otherwise, is not loaded."""
    for _ in range(KEEPING):
        run("e", X)
    with monkeypatch.context() as patched:
        patched.setattr(kept_programs, "_surroundings", lambda: (b"others",))
        assert run("e", X)[1] > 0
    with monkeypatch.context() as patched:
        patched.setenv("XLA_FLAGS", os.environ.get("XLA_FLAGS", "") + " ")
        assert run("e", X)[1] > 0
    assert run("e", X)[1] == 0
    assert len(list(folder.glob("*.program"))) >= 1


def test_only_the_last_ones_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were used the longest ago go."""
    monkeypatch.setattr(kept_programs, "_MOST", 2)
    for name in "fgh":
        for _ in range(KEEPING):
            run(name, X)
    assert len(list(folder.iterdir())) == 2
    assert run("h", X)[1] == 0
    assert run("f", X)[1] > 0


def test_nothing_is_kept_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever uses hwsim from Python has JAX's program itself."""
    monkeypatch.delenv(PROGRAMS, raising=False)
    program = jax.jit(lambda x: x)
    assert kept(program, "i") is program


def trained() -> dict[str, Any]:
    """Train two epochs and test, by programs that are made for it."""
    step._loop.cache_clear()
    programs.programs.cache_clear()
    session = Session.of(load("xor", ["training.epochs=2"]))
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        (*_, last) = trainer.run(trainer.begin())
    return trainer.g(last.state)


@pytest.mark.usefixtures("folder")
def test_a_training_by_kept_programs_has_the_same_bits(loads: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Loop and evaluation come from the disk the third time, and learn what they learn without it."""
    each = [trained() for _ in range(KEEPING + 1)]
    assert loads[-2:] == [True, True]
    monkeypatch.delenv(PROGRAMS)
    usual = trained()
    step._loop.cache_clear()
    programs.programs.cache_clear()
    for one in each:
        for name, values in usual.items():
            np.testing.assert_array_equal(one[name], values)


def trained_side_by_side() -> list[Any]:
    """Train two chips as one and test them, by programs that are made for it."""
    ensemble_trainer._loop.cache_clear()
    programs.programs.cache_clear()
    experiment = load("xor", ["training.epochs=2", "variation.diode_i_sat=0.3"])
    return list(outcomes(experiment, [Instance(chip, 0) for chip in range(2)]))


@pytest.mark.usefixtures("folder")
def test_chips_side_by_side_by_kept_programs_have_the_same_bits(loads: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of a sweep traces nothing that an earlier process compiled."""
    *_, last = [trained_side_by_side() for _ in range(KEEPING + 1)]
    assert loads[-2:] == [True, True]
    monkeypatch.delenv(PROGRAMS)
    assert trained_side_by_side() == last
    ensemble_trainer._loop.cache_clear()
    programs.programs.cache_clear()


def test_settings_are_written_by_their_values() -> None:
    """Which of them somebody set compiles nothing else, and is kept in no certain order."""
    default = NoiseSettings()
    assert kept_programs._written(default) == kept_programs._written(NoiseSettings(bandwidth=default.bandwidth, read=default.read))
    assert kept_programs._written(default) != kept_programs._written(NoiseSettings(bandwidth=2 * default.bandwidth))


def written() -> str:
    """Return the digest of what the programs of a training are found by."""
    session = Session.of(load("xor", ["variation.diode_i_sat=0.3"]))
    with session.training_solver() as solver:
        trainer = session.trainer(solver)
        trace = solver.traced(newton=False, largest_feature=trainer.largest_feature)
        return hashlib.sha256(kept_programs._written((trainer.updater.bare, trace.bare)) or b"").hexdigest()


def test_a_structure_has_the_same_bytes_in_every_process() -> None:
    """Else nothing that is kept would be found."""
    code = "from numeric.test_kept_programs import written; print(written())"
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split()[-1] == written()
    assert written() != hashlib.sha256(b"").hexdigest()
