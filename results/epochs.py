"""Seconds of an epoch, of two checkouts by turns, as their run folders have them.

    python results/epochs.py OLD NEW TURNS WHAT [OPTION…]

OLD and NEW are folders of checkouts; WHAT and its options are those of `hwsim train`. A turn trains two epochs, of which the second counts.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

from start_up import seconds


def main(old: str, new: str, turns: str, *what: str) -> None:
    """Print minima, medians and ratios."""
    words = " ".join(["train", *what, "--epochs", "2", "--out", "run"])
    taken = list[list[float]]()
    with tempfile.TemporaryDirectory() as place:
        folders = {Path(checkout): Path(place) / str(k) for k, checkout in enumerate((old, new))}
        for folder in folders.values():
            (folder / "cache").mkdir(parents=True)
        for _ in range(int(turns)):
            taken.append([])
            for checkout, folder in folders.items():
                seconds(checkout, words, folder)
                lines = (folder / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
                taken[-1].append(json.loads(lines[-1])["seconds"])
    both = list(zip(*taken, strict=True))
    ratios = [new / old for old, new in taken]
    for name, each in zip((old, new), both, strict=True):
        sys.stdout.write(f"{name}: least {min(each):.3g} s, median {statistics.median(each):.3g} s\n")
    sys.stdout.write(f"ratio: of the least {min(both[1]) / min(both[0]):.2f}, of the medians {statistics.median(ratios):.2f}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
