"""Runs: a folder that holds all there is to know, and training that continues, bit for bit, where it stopped."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwsim.core.protocol import ConvergenceError
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.files import atomic
from hwsim.learning import epochs
from hwsim.learning.epochs import Progress
from hwsim.learning.trainer import Trainer
from hwsim.runs import epoch_loop, train
from hwsim.runs.folder import RunFolder
from hwsim.runs.loaded import load_model
from hwsim.runs.open_run import RunError
from hwsim.runs.start import new_run, resumed_run

SETTINGS = ["circuit.layers=[]", "training.epochs=3", "training.batch=10", "data.train_limit=60", "training.optimizer=adam"]


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    """Make an experiment that takes a moment: 3 epochs of 6 updates."""
    return override(load("iris"), SETTINGS)


@pytest.fixture(scope="module")
def through(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the numbers of a run that was never stopped, in chunks of many updates."""
    folder = tmp_path_factory.mktemp("runs") / "through"
    train.train(new_run(experiment, folder), ignore)
    return numbers(folder)


@pytest.fixture(autouse=True)
def chunks_of_one_update(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Report and save after every update, so that a run can be stopped at any of them; work in an empty folder."""
    monkeypatch.setattr(epochs, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr(epoch_loop, "EPOCH_SECONDS", -1.0)
    monkeypatch.setattr(epoch_loop, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.chdir(tmp_path)


def ignore(progress: Progress) -> None:
    """Do nothing."""


class KilledError(Exception):
    """Stands for kill -9: whatever was not written by now is lost."""


class Killer:
    """Kills a run after so many updates."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, _: Progress) -> None:
        """Count down."""
        self.left -= 1
        if self.left == 0:
            raise KilledError


def numbers(folder: Path) -> dict[str, Any]:
    """Return all that a run computed; times, which differ, are left out."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    with np.load(folder / "weights.npz") as weights:
        g = {name: values.tobytes() for name, values in weights.items()}
    return {
        "rows": [
            {key: value for key, value in row.items() if key not in {"seconds", "samples_per_second", "processor_s", "simulation_J"}}
            for row in rows
        ],
        "g": g,
    }


def test_a_killed_run_goes_on_as_if_it_had_not_been(experiment: Experiment, through: dict[str, Any], tmp_path: Path) -> None:
    """Killed in each of its epochs and resumed each time, it ends with the same bits as one that ran through."""
    with pytest.raises(KilledError):
        train.train(new_run(experiment, tmp_path / "killed"), Killer(2))
    for _ in range(2):
        with pytest.raises(KilledError):
            train.train(resumed_run(experiment, tmp_path / "killed"), Killer(7))
    killed = train.train(resumed_run(experiment, tmp_path / "killed"), ignore)
    assert numbers(tmp_path / "killed") == through
    assert killed.summary["epochs"] == 3


def test_a_run_in_32_bits_goes_on_too(experiment: Experiment, tmp_path: Path) -> None:
    """The state keeps its precision in the checkpoint; the error that is reported at the end is solved in 64 bits."""
    experiment = override(experiment, ["training.precision=float32", "training.epochs=2"])
    with pytest.raises(KilledError):
        train.train(new_run(experiment, tmp_path / "killed"), Killer(3))
    killed = train.train(resumed_run(experiment, tmp_path / "killed"), ignore)
    train.train(new_run(experiment, tmp_path / "through"), ignore)
    assert numbers(tmp_path / "killed") == numbers(tmp_path / "through")
    assert killed.summary["test_error"] == pytest.approx(numbers(tmp_path / "through")["rows"][-1]["test_error"], abs=1 / 30)


def test_the_folder_holds_all_that_it_should(experiment: Experiment, tmp_path: Path) -> None:
    """Every file is there, complete and consistent; the experiment in it is the one that was run; nothing shows whose machine it was."""
    trained = train.train(new_run(experiment, None), ignore)
    folder = tmp_path / "runs" / "iris-0"
    assert trained.folder.path == Path("runs/iris-0")
    names = {"experiment.toml", "environment.json", "metrics.jsonl", "checkpoint.npz", "weights.npz", "circuit.cir", "summary.json"}
    assert {file.name for file in folder.iterdir()} == names | {"loss-and-error.png"}
    assert load(str(folder)) == experiment
    assert [row["epoch"] for row in numbers(folder)["rows"]] == [1, 2, 3]
    assert json.loads((folder / "summary.json").read_text()) == trained.summary
    assert (folder / "loss-and-error.png").read_bytes().startswith(b"\x89PNG")
    environment = json.loads((folder / "environment.json").read_text())
    assert {"python", "packages", "ngspice", "platform", "cpu", "seed"} <= set(environment)
    for file in folder.iterdir():
        content = file.read_bytes()
        assert str(Path.home()).encode() not in content or Path.home() == Path("/")
        assert os.uname().nodename.encode() not in (folder / "environment.json").read_bytes()
    assert "g" in numbers(folder)
    assert set(load_model(str(folder)).g) == {"w1"}


def test_runs_take_the_next_free_folder(experiment: Experiment) -> None:
    """Without --out no run ever meets another's folder, and --resume resumes the last of them."""
    short = override(experiment, ["training.epochs=1"])
    paths = [train.train(new_run(short, None), ignore).folder.path for _ in range(2)]
    assert paths == [Path("runs/iris-0"), Path("runs/iris-0-2")]
    last = resumed_run(short, None)
    assert last.folder is not None
    assert last.folder.path == Path("runs/iris-0-2")


def test_a_run_may_be_made_longer(experiment: Experiment, tmp_path: Path) -> None:
    """Resumed with more epochs, a run with a constant schedule ends as one that had them from the start; fewer are refused."""
    constant = override(experiment, ["training.schedule=constant", "training.epochs=2"])
    longer = override(constant, ["training.epochs=3"])
    train.train(new_run(constant, tmp_path / "short"), ignore)
    train.train(resumed_run(longer, tmp_path / "short"), ignore)
    train.train(new_run(longer, tmp_path / "long"), ignore)
    assert numbers(tmp_path / "short") == numbers(tmp_path / "long")
    assert tomllib.loads((tmp_path / "short" / "experiment.toml").read_text())["training"]["epochs"] == 3
    with pytest.raises(RunError, match="at least"):
        train.train(resumed_run(override(constant, ["training.epochs=1"]), tmp_path / "short"), ignore)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_chunk_and_saves(experiment: Experiment, tmp_path: Path, number: signal.Signals) -> None:
    """The state after the chunk is saved, the message shows how to resume, and the handlers are as before."""
    before = signal.getsignal(number)

    def send(_: Progress) -> None:
        signal.raise_signal(number)

    with pytest.raises(epoch_loop.InterruptedRunError, match=r"hwsim train .*stopped --resume") as caught:
        train.train(new_run(experiment, tmp_path / "stopped"), send)
    assert caught.value.exit_code == 130
    assert signal.getsignal(number) is before
    arrays = atomic.read_arrays(tmp_path / "stopped" / "checkpoint.npz")
    assert int(arrays["state/step"]) == 1


@pytest.mark.parametrize("error", [None, RuntimeError])
def test_a_signal_before_the_first_update_does_not_wait_for_it(
    experiment: Experiment, through: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: type[Exception] | None
) -> None:
    """Nothing is lost: what is compiled is given up, whatever the compiler makes of that, and the run is resumed to the same bits."""
    waited = []

    def compiling(*_: Any, **__: Any) -> Any:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise (error or KeyboardInterrupt) from None
        waited.append("for the update")

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "advance", compiling)
        with pytest.raises(epoch_loop.InterruptedRunError, match="in epoch 1 of 3 and saved; resume with"):
            train.train(new_run(experiment, tmp_path / "stopped"), ignore)
    assert not waited
    train.train(resumed_run(experiment, tmp_path / "stopped"), ignore)
    assert numbers(tmp_path / "stopped") == through


@pytest.fixture
def stopped(experiment: Experiment, tmp_path: Path) -> Path:
    """Leave a run that was killed in its second epoch."""
    with pytest.raises(KilledError):
        train.train(new_run(experiment, tmp_path / "stopped"), Killer(8))
    return tmp_path / "stopped"


def damage_of(kind: str, checkpoint: Path) -> str:
    """Damage a checkpoint, and give what the error should state."""
    arrays = atomic.read_arrays(checkpoint)
    match kind:
        case "cut off":
            checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
            return "cannot be read"
        case "flipped":
            content = bytearray(checkpoint.read_bytes())
            where = content.index(arrays["state/g/w1"].tobytes())
            content[where] ^= 0xFF
            checkpoint.write_bytes(content)
            return "CRC"
        case "shape":
            arrays["state/g/w1"] = arrays["state/g/w1"][1:]
            message = "state/g/w1|g/w1 is float64"
        case "type":
            arrays["state/g/w1"] = arrays["state/g/w1"].astype(np.float32)
            message = "g/w1 is float32"
        case "missing":
            del arrays["state/step"]
            message = "step is nothing"
        case "negative":
            arrays["state/g/w1"] = -arrays["state/g/w1"]
            message = "not a positive number"
        case "metrics":
            arrays["rows"] = arrays["rows"][:-1]
            message = "its metrics"
        case _:
            arrays["state/g/w1"] = np.array([{"a": 1}], dtype=object)
            message = "Object arrays"
    np.savez(checkpoint, **arrays)
    return message


@pytest.mark.parametrize("kind", ["cut off", "flipped", "shape", "type", "missing", "negative", "metrics", "objects"])
def test_a_damaged_checkpoint_is_refused(stopped: Path, experiment: Experiment, kind: str) -> None:
    """One line names the file or the crossbar and what is wrong, and nothing in the folder changes."""
    message = damage_of(kind, stopped / "checkpoint.npz")
    before = {file.name: file.read_bytes() for file in stopped.iterdir()}
    with pytest.raises(ValueError, match=message) as caught:
        train.train(resumed_run(experiment, stopped), ignore)
    assert "\n" not in str(caught.value)
    assert {file.name: file.read_bytes() for file in stopped.iterdir()} == before


def test_only_the_same_experiment_is_resumed(stopped: Path, experiment: Experiment) -> None:
    """Another beta, circuit or data would make a run that no experiment describes; the line names the key."""
    for setting in ("training.nudge.beta=2e-6", "circuit.v_bias=0.5", "data.clip=2.0"):
        with pytest.raises(RunError, match=setting.split("=", maxsplit=1)[0]):
            resumed_run(override(experiment, [setting]), stopped)


def test_a_folder_that_is_in_use_is_refused(stopped: Path, experiment: Experiment, tmp_path: Path) -> None:
    """A new run never writes into another's folder, nor over a file."""
    with pytest.raises(RunError, match="--resume"):
        new_run(experiment, stopped)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="is a file"):
        new_run(experiment, tmp_path / "file")
    with pytest.raises(RunError, match="nothing to resume"):
        resumed_run(experiment, tmp_path / "nowhere")


def hold(path: Path, ready: Any, done: Any) -> None:
    """Hold a folder's lock, as another process that trains there."""
    with RunFolder(path).locked():
        ready.set()
        done.wait()


def test_two_processes_never_train_in_one_folder(stopped: Path, experiment: Experiment) -> None:
    """While one trains, the other is refused."""
    spawn = multiprocessing.get_context("spawn")
    ready, done = spawn.Event(), spawn.Event()
    other = spawn.Process(target=hold, args=(stopped, ready, done))
    other.start()
    try:
        assert ready.wait(120)
        with pytest.raises(RunError, match="another process"):
            train.train(resumed_run(experiment, stopped), ignore)
    finally:
        done.set()
        other.join()


def test_a_full_disk_leaves_what_was_saved(
    experiment: Experiment, through: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk fills up in the midst of training, the last checkpoint stays whole and the run continues from there later."""
    real, left = atomic.write, 12

    def fills_up(path: Path, content: bytes | str, **how: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, content, **how)

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "write", fills_up)
        with pytest.raises(OSError, match="No space"):
            train.train(new_run(experiment, tmp_path / "full"), ignore)
    train.train(resumed_run(experiment, tmp_path / "full"), ignore)
    assert numbers(tmp_path / "full") == through


def test_a_disk_that_is_full_from_the_start_leaves_no_folder(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When not even the first files can be written, the folder is taken away again."""

    def full(path: Path, content: bytes | str, **_: Any) -> None:
        raise OSError(errno.ENOSPC, f"No space left for {len(content)} bytes", str(path))

    monkeypatch.setattr(atomic, "write", full)
    with pytest.raises(OSError, match="No space"):
        train.train(new_run(experiment, tmp_path / "full"), ignore)
    assert not (tmp_path / "full").exists()


def test_a_run_that_does_not_converge_keeps_what_it_reached(experiment: Experiment, through: dict[str, Any], tmp_path: Path) -> None:
    """An equilibrium that is not found ends the run with advice; what was learnt before is saved and may be resumed."""
    hopeless = override(experiment, ["solver.max_steps=1"])
    with pytest.raises(ConvergenceError, match=r"solver\.max_steps"):
        train.train(new_run(hopeless, tmp_path / "stuck"), ignore)
    train.train(resumed_run(experiment, tmp_path / "stuck"), ignore)
    assert numbers(tmp_path / "stuck") == through


def test_no_data_no_folder(experiment: Experiment, tmp_path: Path) -> None:
    """What fails before training begins leaves no folder behind."""
    with pytest.raises(FileNotFoundError):
        train.train(new_run(override(experiment, ["data.name=missing.csv"]), tmp_path / "none"), ignore)
    assert list(tmp_path.iterdir()) == []


def test_a_renamed_folder_keeps_its_run(experiment: Experiment, through: dict[str, Any], tmp_path: Path) -> None:
    """A folder is renamed while it is trained in, and another run takes its path: each run is whole in its own folder, and names where."""
    folder, moved = tmp_path / "run", tmp_path / "moved"
    other = override(experiment, ["training.seed=1", "training.epochs=1"])

    def rename(_: Progress) -> None:
        if not moved.exists():
            folder.rename(moved)
            train.train(new_run(other, folder), ignore)

    trained = train.train(new_run(experiment, folder), rename)
    assert trained.folder.path == moved
    assert numbers(moved) == through
    for path, one in ((moved, experiment), (folder, other)):
        assert load(path) == one
        summary = json.loads((path / "summary.json").read_text())
        assert (summary["seed"], summary["epochs"]) == (one.training.seed, one.training.epochs)
        assert {file.name for file in path.iterdir()} == {file.name for file in moved.iterdir()}


def test_a_resumed_run_follows_its_folder_too(through: dict[str, Any], tmp_path: Path, experiment: Experiment) -> None:
    """Also after it was stopped, and by a relative path; the line of an interruption names the folder's present path."""
    with pytest.raises(KilledError):
        train.train(new_run(experiment, Path("run")), Killer(7))

    def rename(_: Progress) -> None:
        if Path("run").exists():
            Path("run").rename("moved")
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(epoch_loop.InterruptedRunError, match="hwsim train moved --resume"):
        train.train(resumed_run(experiment, Path("run")), rename)
    assert train.train(resumed_run(experiment, Path("moved")), ignore).folder.path == Path("moved")
    assert numbers(tmp_path / "moved") == through
    assert not Path("run").exists()


def test_a_removed_folder_ends_the_run(experiment: Experiment, tmp_path: Path) -> None:
    """Where there is no folder any more, nothing can be saved: one line reports it, and no new folder takes its place."""
    with pytest.raises(RunError, match="run was removed while it was trained in"):
        train.train(new_run(experiment, tmp_path / "run"), lambda _: shutil.rmtree(tmp_path / "run", ignore_errors=True))
    assert list(tmp_path.iterdir()) == []
