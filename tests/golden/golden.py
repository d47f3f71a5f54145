"""Golden numbers: what named trainings, checks, decks and sweeps result in, so that rebuilt code can be compared with before.

    python tests/golden/golden.py record        # every case, into golden.json next to this file (some minutes)
    python tests/golden/golden.py compare       # every case, bit for bit: for one machine, before and after a change
    python tests/golden/golden.py compare CASE…

Bits depend on the processor's vectors, so other machines compare rounded numbers: test_golden.py does, for the quick cases.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("golden.json")

_VOLATILE = {"seconds", "samples_per_second", "seconds_per_epoch", "run", "file", "sweep", "database"}
"""Keys whose values are times or places."""

_FINE = {"weights", "deck", "steps", "nudged_steps", "residual_A", "certified_A", "gradient_error"}
"""Keys whose values hang on rounding, and so on the processor; compared bit for bit only."""

_ON_A_CHIP = "--set variation.diode_i_sat=0.3 --set variation.gain=0.05 --set variation.offset=0.005"

TRAININGS = {
    "xor": "xor",
    "iris": "iris",
    "wine": "wine",
    "breast-cancer": "breast-cancer",
    "digits": "digits",
    "iris-float32": "iris --epochs 3 --set training.precision=float32",
    "iris-ngspice": "iris --epochs 1 --engine ngspice",
    "iris-chip": f"iris --epochs 3 --chip 3 {_ON_A_CHIP}",
    "iris-noise": "iris --epochs 2 --set noise.read=0.01",
    "iris-adjoint": "iris --epochs 2 --set training.rule=adjoint",
    "iris-coupled": "iris --epochs 2 --set training.rule=coupled-learning --set training.rate=1e-7",
    "iris-cross-entropy": "iris --epochs 2 --set training.loss=cross-entropy",
    "iris-one-sided": "iris --epochs 2 --set training.nudge=positive",
    "iris-random-sign": "iris --epochs 2 --set training.nudge=random-sign",
    "iris-momentum": "iris --epochs 2 --set training.optimizer=momentum",
    "iris-adam": "iris --epochs 2 --set training.optimizer=adam --set training.rate=1e-7",
    "iris-pulses": "iris --epochs 2 --set device.preset=reram-sb",
    "iris-pairs": "iris --epochs 2 --set device.preset=pcm --set device.pairs=true",
    "iris-tiki-taka": "iris --epochs 2 --set device.preset=reram-sb --set device.scheme=tiki-taka",
    "iris-wires": "iris --epochs 1 --set circuit.wire_r_row=1 --set circuit.wire_r_column=1",
    "mesh": "netlists/examples/iris-mesh.cir --data iris --epochs 1",
}
"""Arguments of `hwsim train`, by the case's name."""

OTHERS = {
    "solve-iris": "solve iris --sample 0 --sample 3 --nodes",
    "check-xor": "check xor",
    "check-iris": "check iris",
    "check-digits": "check digits --samples 5",
    "evaluate-chips": f"evaluate iris --chips 3 {_ON_A_CHIP}",
    "folds-iris": "train iris --folds 3 --repeats 2 --epochs 2 --out f.db",
    "evaluate-drifted": "evaluate iris --set device.preset=pcm --after 30d --set variation.temperature=60",
    "sweep-iris": "sweep iris --vary variation.diode_i_sat=0,0.3 --chips 2 --seeds 2 --set training.epochs=2 --jobs 1 --out s.db",
    "sweep-pulses": "sweep iris --vary variation.step=0,0.3 --chips 2 --set training.epochs=1 --set device.preset=reram-sb --out p.db",
    "sweep-transfer": "sweep iris --vary variation.gain=0,0.1 --chips 2 --mode transfer --set training.epochs=1 --jobs 1 --out t.db",
}
"""Words of other commands, by the case's name."""

QUICK = ("iris-chip", "iris-pulses", "solve-iris", "sweep-iris")
"""Cases that the test suite compares."""


def names() -> list[str]:
    """Return the names of all cases."""
    return [*TRAININGS, *OTHERS]


def measure(case: str) -> dict[str, Any]:
    """Run one case; returns its numbers, and hashes of the arrays and texts that it leaves."""
    if case in OTHERS:
        return {"told": _clean(_command(OTHERS[case].split()))}
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        _command(["train", *TRAININGS[case].split(), "--seed", "0", "--out", str(run)])
        rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
        with np.load(run / "weights.npz") as weights:
            values = {name: np.asarray(weights[name]) for name in sorted(weights.files)}
        return {
            "rows": _clean(rows),
            "sums": {name: float(array.sum()) for name, array in values.items()},
            "weights": _digest(b"".join(array.tobytes() for array in values.values())),
            "deck": _digest((run / "circuit.cir").read_bytes()),
        }


def _command(words: list[str]) -> Any:
    """Run a command within this process, in a folder of its own where its words name a file to write; returns its JSON."""
    from cli.main import main  # noqa: PLC0415 - the names of the cases are wanted without it

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()) as out:
        expected = [str(Path(folder) / word) if word.endswith(".db") else word for word in words]
        if code := main([*expected, "--json"]):
            raise RuntimeError(f"hwsim {' '.join(words)}: exit code {code}")
    return json.loads(out.getvalue())


def _clean(report: Any) -> Any:
    """Leave out times and places."""
    if isinstance(report, dict):
        return {key: _clean(value) for key, value in report.items() if key not in _VOLATILE and not _is_place(value)}
    return [_clean(value) for value in report] if isinstance(report, list) else report


def _is_place(value: Any) -> bool:
    return isinstance(value, str) and Path(value).is_absolute()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def differences(before: Any, after: Any, *, relative: float = 0.0, where: str = "") -> Iterator[str]:
    """Yield a line for each recorded number or text that differs by more than a relative tolerance; 0: by a bit. New keys are no change."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before:
            if key not in after:
                yield f"{where}.{key}: only before"
            elif not (relative and key in _FINE):
                yield from differences(before[key], after[key], relative=relative, where=f"{where}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for k, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, relative=relative, where=f"{where}[{k}]")
    elif not _equal(before, after, relative):
        yield f"{where}: {before!r} → {after!r}"


def _equal(before: Any, after: Any, relative: float) -> bool:
    numbers = isinstance(before, int | float) and isinstance(after, int | float)
    return before == after or (numbers and bool(np.isclose(after, before, rtol=relative, atol=relative * 1e-6, equal_nan=True)))


def main(words: list[str]) -> int:
    """Record or compare cases; returns 1 when something differs."""
    action, *cases = words or ["compare"]
    report = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    changed = 0
    for case in cases or names():
        measured = json.loads(json.dumps(measure(case)))
        if action == "record":
            report[case] = measured
            sys.stdout.write(f"{case}: recorded\n")
            continue
        lines = list(differences(report.get(case), measured))
        changed += bool(lines)
        sys.stdout.write(f"{case}: {f'{len(lines)} differences' if lines else 'same'}\n" + "".join(f"    {line}\n" for line in lines[:5]))
        sys.stdout.flush()
    if action == "record":
        FILE.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(changed > 0)


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2])]
    sys.exit(main(sys.argv[1:]))
