"""Kills training at random moments, again and again, and holds what comes of it against training that was left alone.

`python tests/torture/kills.py 200` kills 200 times. Most are kill -9; some are Ctrl-C and SIGTERM, which save first.
"""

import random
import signal
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from killing import WORDS, Victim, numbers  # noqa: E402 - found by the line above

_SIGNALS = [signal.SIGKILL] * 8 + [signal.SIGINT, signal.SIGTERM]
_EPOCHS = ("--epochs", "6")


def main(wanted: int, seed: int = 0) -> int:
    """Kill so often; gives the number of runs and folders that were not as they should be."""
    rng, killed, runs, faults = random.Random(seed), dict[str, int](), 0, list[str]()  # noqa: S311 - moments are no secrets
    with tempfile.TemporaryDirectory() as folder:
        alone = Victim(Path(folder) / "alone", (*WORDS, *_EPOCHS))
        seconds = alone.through()
        wanted_numbers = numbers(alone.folder)
        while sum(killed.values()) < wanted:
            victim = Victim(Path(folder) / f"run-{runs}", (*WORDS, *_EPOCHS))
            while sum(killed.values()) + sum(victim.kills.values()) < wanted:
                if not victim.kill(rng.choice(_SIGNALS), rng.uniform(0.0, seconds)):
                    break
            victim.through()
            runs += 1
            faults += victim.faults
            if numbers(victim.folder) != wanted_numbers:
                faults.append(f"run {runs}: its numbers differ from those of the run that was left alone")
            for name, count in victim.kills.items():
                killed[name] = killed.get(name, 0) + count
            sys.stderr.write(f"{sum(killed.values())} kills, {runs} runs, {len(faults)} faults\n")
    told = ", ".join(f"{count} {name}" for name, count in sorted(killed.items()))
    sys.stdout.write(f"{sum(killed.values())} kills ({told}) of {runs} runs; folders damaged or numbers lost: {len(faults)}\n")
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
