"""Solves 100,000 samples in one ngspice worker, with another deck every thousand, and reports what memory it took.

`python tests/torture/solves.py 100000` takes about half a minute.
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from circuits.chip import Chip
from hwsim.core.protocol import Drive, Result
from hwsim.experiment.loading import load
from hwsim.ngspice import pool
from hwsim.ngspice.ngspice_engine import NgspiceEngine

_BATCH = 1000


def main(wanted: int) -> int:
    """Solve so many; gives 1 when the worker was replaced or a sample has no equilibrium."""
    circuit = load("iris").circuit.compile("iris")
    rng, kept, failed, pids = np.random.default_rng(0), list[int](), 0, set[int]()
    begun = time.monotonic()
    remember = pool._has_grown

    def grown(worker: pool.WorkerProcess, answer: pool.Answer) -> bool:
        kept.append(answer.memory)
        pids.add(worker.process.pid)
        return remember(worker, answer)

    pool._has_grown = grown
    with NgspiceEngine(workers=1).prepare(circuit, Chip.nominal(circuit)) as solver:
        for _ in range(wanted // _BATCH):
            g = {element.name: rng.uniform(element.g_min, element.g_max, element.shape) for element in circuit.trainable}
            equilibrium = solver.solve(g, Drive(rng.uniform(-1, 1, (_BATCH, circuit.input_count))), throw=False)
            failed += int(np.sum(equilibrium.result != Result.CONVERGED))
    sys.stdout.write(
        f"{wanted} solves, {wanted // _BATCH} decks, {len(pids)} worker, {failed} without equilibrium, {time.monotonic() - begun:.0f} s; "
        f"memory {kept[0] / 1e6:.1f} MB after the first job, {kept[-1] / 1e6:.1f} MB after the last, {max(kept) / 1e6:.1f} MB at most\n"
    )
    return failed > 0 or len(pids) > 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
