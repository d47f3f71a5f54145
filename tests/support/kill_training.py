"""Training that is killed at random moments: what it leaves must be a valid run folder, and resuming it must give the same numbers."""

import json
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.experiment.loading import load
from hwsim.files import atomic
from hwsim.runs.folder import RunFolder

_SPAWNED = multiprocessing.get_context("forkserver")
_SPAWNED.set_forkserver_preload(
    ["jax", "cli.train", "hwsim.runs.train", "hwsim.learning.trainer", "hwsim.numeric.numeric_engine", "hwsim.runs.training_plot"]
)

WORDS = ("iris", "--set", "circuit.layers=[]", "--set", "data.train_limit=60", "--set", "training.batch=10")


def _train(words: tuple[str, ...], log: str) -> None:
    """Train with a checkpoint after every update, quietly."""
    from cli.main import main  # noqa: PLC0415 - in the new process
    from hwsim.learning import epochs  # noqa: PLC0415
    from hwsim.runs import epoch_loop  # noqa: PLC0415

    with Path(log).open("w", encoding="utf-8") as loaded:
        sys.stdout = sys.stderr = loaded
        epochs.CHUNK_SECONDS, epoch_loop.EPOCH_SECONDS, epoch_loop.CHECKPOINT_SECONDS = 0.0, -1.0, -1.0
        code = main(["train", *words])
        loaded.flush()
        os._exit(code)


@dataclass
class Victim:
    """A run that is started, killed and resumed until it is through."""

    folder: Path
    words: tuple[str, ...]
    log_beside: Path | None = None
    seconds: float = 0.0
    kills: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def go(self) -> Any:
        """Start it, or resume it if there is something to resume."""
        more = ("--resume",) if RunFolder(self.folder).experiment.exists() else ()
        process = _SPAWNED.Process(target=_train, args=((*self.words, "--out", str(self.folder), *more), self.log))
        process.start()
        return process

    @property
    def log(self) -> str:
        """Where it writes what it states."""
        return str((self.log_beside or self.folder.parent) / f"{self.folder.name}.log")

    def through(self, limit: float = 300.0) -> float:
        """Let it come to its end, and report how long its folder was there [s]."""
        process, begun = self.go(), None
        while process.is_alive() and limit > 0:
            begun = begun or (time.monotonic() if self.folder.exists() else None)
            time.sleep(0.005)
            limit -= 0.005
        if process.exitcode != 0:
            self.faults.append(f"exit code {process.exitcode}: {Path(self.log).read_text(encoding='utf-8')}")
        self.seconds = time.monotonic() - (begun or time.monotonic())
        return self.seconds

    def kill(self, number: signal.Signals, after: float) -> bool:
        """Start it, send a signal some time after its folder is there [s], look at what is left; report whether it was still running."""
        process = self.go()
        while process.is_alive() and not self.folder.exists():
            time.sleep(0.002)
        process.join(after)
        alive = process.is_alive()
        if alive:
            os.kill(process.pid, number)
            self.kills[number.name] = self.kills.get(number.name, 0) + 1
        process.join(300)
        if process.exitcode not in {0, 130, -number}:
            self.faults.append(f"{number.name}: exit code {process.exitcode}: {Path(self.log).read_text(encoding='utf-8')}")
        self.faults += [f"{number.name} after {after:.3f} s: {fault}" for fault in damage(self.folder)]
        return alive


def damage(path: Path) -> list[str]:
    """List what is wrong with a run folder that a killed process left."""
    folder, faults = RunFolder(path), []
    readers = {
        "experiment.toml": lambda file: load(str(file)),
        "environment.json": lambda file: json.loads(file.read_text(encoding="utf-8")),
        "metrics.jsonl": lambda file: [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()],
        "checkpoint.npz": atomic.read_arrays,
        "weights.npz": atomic.read_arrays,
        "summary.json": lambda file: json.loads(file.read_text(encoding="utf-8")),
        "circuit.cir": lambda file: file.read_text(encoding="utf-8").index("\n.end\n"),
        "loss-and-error.png": lambda file: file.read_bytes().index(b"IEND"),
    }
    for name in [name for name in readers if (path / name).exists()]:
        try:
            readers[name](path / name)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported
            faults.append(f"{name}: {type(error).__name__}: {error}")
    try:
        if not folder.experiment.exists():
            folder.refuse_used()
    except ValueError as error:
        faults.append(str(error))
    return faults


def numbers(folder: Path) -> dict[str, Any]:
    """Return all that a run computed; times, which differ, are left out."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    with np.load(folder / "weights.npz") as weights:
        g = {name: values.tobytes() for name, values in weights.items()}
    return {
        "rows": [
            {key: value for key, value in row.items() if key not in {"seconds", "samples_per_second", "processor_s", "simulation_J"}}
            for row in rows
        ],
        "g": g,
    }
