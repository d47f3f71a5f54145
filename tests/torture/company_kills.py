"""Kills workers of a company by SIGKILL in the midst of their arithmetic, and compares what comes of it with an undisturbed company.

`python tests/torture/company_kills.py 20` kills 20 of the workers that compute three chips, which average their conductances.
"""

import random
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from hwsim.cluster.one_thread import one_thread  # noqa: E402 - found by the line above

one_thread()  # before JAX loads

from hwsim.cluster.dask_client import connected  # noqa: E402 - as above
from hwsim.company.chip_workers import ChipWorkers  # noqa: E402 - as above
from hwsim.company.company import Company, Round  # noqa: E402 - as above
from hwsim.company.dask_workers import DaskWorkers, WorkerEvent  # noqa: E402 - as above
from hwsim.company.members import Members  # noqa: E402 - as above
from hwsim.experiment.loading import load  # noqa: E402 - as above
from hwsim.learning.state import joined  # noqa: E402 - as above
from support.killed_workers import KILLED, ORDER, KilledWorkers  # noqa: E402 - as above

_KEYS = ["circuit.layers=[]", "training.batch=1", "training.epochs=6", "training.rate=5e-7"]
_COMPANY = ["company.chips=3", "company.exchange=mean-weights", "company.exact=true"]
_SECONDS = 0.05
"""Longest time from the first updates of an epoch to the kill [s]; an epoch of a chip takes 0.2 s or so."""


def trained(workers: ChipWorkers | None, order: Any = lambda: None) -> list[bytes]:
    """Train, and return the bits of all conductances and outputs after each epoch; `order` is called before each."""
    experiment, bits = load("digits", [*_KEYS, *_COMPANY]), list[bytes]()
    settings = experiment.company
    assert settings is not None
    with Company(Members.of(experiment, settings), settings, workers) as company:
        order()
        for one in company.rounds(company.begin()):
            if isinstance(one, Round):
                chips = [joined(chip.g) for chip in company.alone.apart(one.state)]
                bits.append(b"".join([*(values.tobytes() for chip in chips for values in chip.values()), one.outputs.tobytes()]))
                order()
    return bits


def main(wanted: int, seed: int = 0) -> int:
    """Kill so many; return whether a number was lost."""
    rng, events, faults, runs = random.Random(seed), list[WorkerEvent](), 0, 0  # noqa: S311 - moments are no secrets
    reference = trained(None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def killed() -> list[list[str]]:
            file = folder / KILLED
            return [line.split() for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []

        def order() -> None:
            if len(killed()) < wanted:
                (folder / ORDER).write_text(f"{rng.uniform(0.0, _SECONDS)}", encoding="utf-8")

        with connected(2, None) as client:
            while len(killed()) < wanted:
                faults += trained(DaskWorkers(client, events.append, KilledWorkers(name)), order) != reference
                runs += 1
                sys.stderr.write(f"{len(killed())} kills, {runs} runs, {faults} faults\n")
        moments = [1e3 * float(line[-1]) for line in killed()]
    left = [event.event for event in events].count("left")
    sys.stdout.write(
        f"{len(moments)} kills of workers, {min(moments):.1f} to {max(moments):.1f} ms after an epoch's first updates, in {runs} runs of "
        f"{len(reference)} epochs; {left} reported as left; runs with another bit: {faults}\n"
    )
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
