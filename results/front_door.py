"""Measures hwsim from Python: `python results/front_door.py` writes front_door.md. Times are processor times, of all threads."""

import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hwsim as hw
from hwsim.sweep.folds import corrected

HERE = Path(__file__).parent
FOLDS, REPEATS, FITS = 5, 3, 7

PAGE = """\
# hwsim from Python

`python results/front_door.py` writes this page. Times are processor times of all threads, in which a busy machine changes little.

| what | result |
|---|---|
| share of right classes, wine, `StandardScaler` and `CrossbarClassifier(hidden=(12,))` with no other settings, {repeats} repeats of \
{folds} folds, 95 % interval (Nadeau and Bengio 2003) | {mean:.3f} ({low:.3f} to {high:.3f}) |
| the least of the {repeats} means over {folds} folds | {least:.3f} |
| time of a fit whose programs are compiled, over that of its training alone: median, least and largest of {fits} | {ratio} |
| README's ten lines of Python in a new process, with all that is compiled | {cold:.1f} s |
| `import hwsim`, by `python -X importtime -c "import hwsim"` | {imported:.3f} s |
| libraries that it loads beyond Python's own | {libraries} |
| settings of JAX that `hw.fit` changed | {settings} |
"""


def cross_validated() -> tuple[list[float], list[float]]:
    """Return the shares of right classes of all folds, and the mean of each repeat; settings are the defaults, chosen on no data."""
    x, y = hw.dataset("wine")
    scores = []
    for seed in range(REPEATS):
        pipeline = make_pipeline(StandardScaler(), hw.CrossbarClassifier(hidden=(12,), random_state=seed))
        scores.append(cross_val_score(pipeline, x, y, cv=StratifiedKFold(FOLDS, shuffle=True, random_state=seed)).tolist())
    return [score for one in scores for score in one], [float(np.mean(one)) for one in scores]


def second_fit() -> str:
    """Compare fits of compiled programs with the trainings inside of them, by turns."""
    x, y = hw.dataset("wine")
    circuit = hw.CrossbarClassifier(hidden=(12,), random_state=0).fit(x, y)
    session = circuit.model_.session
    ratios = []
    for _ in range(FITS):
        start = time.process_time()
        circuit.fit(x, y)
        whole = time.process_time() - start
        with session.training_solver() as solver:
            trainer = session.trainer(solver)
            begun = trainer.begin()
            start = time.process_time()
            for _step in trainer.run(begun):
                pass
            alone = time.process_time() - start
        ratios.append(whole / alone)
    return f"{np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def cold() -> float:
    """Run README's lines in a new process and an empty folder; return its processor time [s]."""
    (block,) = re.findall(r"```python\n(.*?)```", (HERE.parent / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", block], cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - README's
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def imported() -> tuple[float, str]:
    """Return the time that the import takes [s], the least of a few, and what it loads."""
    command = [sys.executable, "-X", "importtime", "-c", "import hwsim"]
    texts = [subprocess.run(command, capture_output=True, text=True, check=True).stderr for _ in range(FITS)]  # noqa: S603 - ours
    rows = [re.findall(r"\| +(\d+) \| +(.*)", text) for text in texts]
    least = min(int(microseconds) for one in rows for microseconds, name in one if name == "hwsim")
    names = {name.strip().partition(".")[0] for _, name in rows[0]}
    return least / 1e6, ", ".join(sorted(names & {"jax", "jaxlib", "matplotlib", "numpy", "scipy", "sklearn", "torch"})) or "none"


def main() -> None:
    """Measure, and write the page."""
    settings = dict(jax.config.values)
    folds, repeats = cross_validated()
    mean, (low, high) = corrected(folds, 1 / (FOLDS - 1))
    ratio = second_fit()
    changed = [key for key, value in jax.config.values.items() if settings[key] != value]
    seconds, libraries = imported()
    numbers = {"mean": mean, "low": low, "high": min(high, 1.0), "least": min(repeats), "ratio": ratio, "cold": cold()}
    page = PAGE.format(
        **numbers, repeats=REPEATS, folds=FOLDS, fits=FITS, imported=seconds, libraries=libraries, settings=", ".join(changed) or "none"
    )
    (HERE / "front_door.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
