"""Circuits that learn by themselves, in plain ngspice: `python results/self_learning.py [STUDY …]` writes results/self-learning.json.

Each row is a start: which options, how many answers are right before and after, and ngspice's processor time. Of iris, the answers are
those of the held-out flowers. Where ngspice found no step that is small enough, a row states when it stopped. Rows that are in the file
already are kept.
"""

import json
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

OUT = Path(__file__).with_name("self-learning.json")

LIMIT = 600
"""s of processor time that ngspice gets for a start."""

BETA = ("--beta", "1e-5")

XOR, IRIS = ("xor", "--epochs", "100"), ("iris", "--epochs", "5")

STUDIES: dict[str, tuple[tuple[str, ...], tuple[str, ...], int]] = {
    "ideal": (XOR, (), 10),
    "mismatch 1 %, chops 4": (XOR, ("--mismatch", "0.01", *BETA, "--chops", "4"), 2),
    "mismatch 5 %, chops 4": (XOR, ("--mismatch", "0.05", *BETA, "--chops", "4"), 3),
    "leak, 1,000 presentations": (XOR, ("--leak", "1000"), 3),
    "leak, 300 presentations": (XOR, ("--leak", "300"), 3),
    "leak, 100 presentations": (XOR, ("--leak", "100"), 3),
    "comparators, 1 uV": (XOR, ("--comparators", "1e-6"), 2),
    "comparators, averaged": (XOR, ("--comparators", "1e-6", "--average", "4", "--rate", "2e-7"), 4),
    "two phases": (XOR, ("--two-phase", "1"), 3),
    "iris": (IRIS, (), 3),
}
"""The circuit and its passes, what is changed, and how many starts it gets."""


def start(circuit: tuple[str, ...], options: tuple[str, ...], seed: int, folder: str) -> dict[str, object]:
    """Compile and run one deck."""
    deck = Path(folder, "learn.cir")
    command = [sys.executable, "-m", "hwsim", "compile", *circuit, "--self-learning", "--seed", str(seed)]
    subprocess.run([*command, "--chip", str(seed), *options, "-o", deck, "--force"], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    run = subprocess.run(  # noqa: S603 - a deck of ours
        ["ngspice", "-b", deck],  # noqa: S607 - the user's ngspice
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT)),
    )
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    answers = {
        when: (int(right), float(loss))
        for when, right, loss in re.findall(r"(before|after): (\d+) of \d+ (?:held-out )?answers .*loss (\S+) V", run.stdout)
    }
    if stopped := re.search(r"Timestep too small; time = (\S+),", run.stdout + run.stderr):
        return {"seed": seed, "answers": {"before": answers["before"]}, "seconds": round(seconds, 1), "stopped": float(stopped[1])}
    power = re.search(r"watts_mean\s*=\s*(\S+)", run.stdout)
    return {"seed": seed, "answers": answers, "seconds": round(seconds, 1), "watts": float(power[1]) if power else None}


def main() -> None:
    """Run what is missing."""
    rows = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (circuit, options, seeds) in STUDIES.items():
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            done = rows.setdefault(name, {"circuit": " ".join(circuit), "options": " ".join(options), "starts": []})["starts"]
            for seed in sorted(set(range(seeds)) - {one["seed"] for one in done}):
                done.append(start(circuit, options, seed, folder))
                sys.stdout.write(f"{name}: {done[-1]}\n")
                sys.stdout.flush()
                OUT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
