"""How long an update of ff-fashion takes next to one of its digital twin's: a few updates of each by turns, the least of all.

HWSIM_DATA=DIR python results/blocks/update_ratio.py [UPDATES] [TURNS]
"""

import sys
import time
from typing import Any

import jax
import numpy as np

from hwsim.experiment.loading import load
from hwsim.learning.state import copied
from hwsim.session import Session

FIRST = 5
"""Updates before the first that is timed."""


def main(updates: int = 8, turns: int = 40) -> None:
    """Print milliseconds of an update of each, and their ratio, of minima and as the median of the turns."""
    timed: dict[str, list[float]] = {}
    trainings: dict[str, Any] = {}
    for what in ("ff-fashion", "results/blocks/fashion-twin.toml"):
        session = Session.of(load(what, {"data.train_limit": 64 * (FIRST + updates), "data.test_limit": 100}))
        trainer = session.trainer(session.training_solver())
        state = trainer.begin()
        carry = trainer.advance(copied(state.carry), trainer.plan(0), 0, FIRST, newton=state.newton)
        trainings[what], timed[what] = [trainer, state.newton, jax.block_until_ready(carry)], []
    for _ in range(turns):
        for what, training in trainings.items():
            trainer, newton, carry = training
            begun = time.perf_counter()
            training[2] = jax.block_until_ready(trainer.advance(carry, trainer.plan(0), FIRST, FIRST + updates, newton=newton))
            timed[what].append(1e3 * (time.perf_counter() - begun) / updates)
    for what, times in timed.items():
        sys.stdout.write(f"{what}: {min(times):.1f} ms an update at least, {np.median(times):.1f} ms as the median\n")
    chain, twin = (np.array(times) for times in timed.values())
    sys.stdout.write(f"ratio of minima {chain.min() / twin.min():.2f}, median of the turns' {np.median(chain / twin):.2f}\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
