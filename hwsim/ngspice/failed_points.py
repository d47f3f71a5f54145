"""Samples that ngspice finds no equilibrium of: the first is named, with a deck that shows it and outlives the workers."""

import tempfile
from pathlib import Path

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core.protocol import Result
from hwsim.core.stiff_resistors import has_stiff
from hwsim.ngspice.leftovers import DECK
from hwsim.ngspice.messages import Answer
from hwsim.ngspice.ngspice_errors import NgspicePointError
from hwsim.typing import Floats, Weights
from netlists.write.writer import write_deck


def raise_if_failed(circuit: Circuit, chip: Chip, g: Weights, x: Floats, answer: Answer) -> None:
    """Look through the answer about a batch, features x (B, I), on a circuit with conductances g [S].

    Raises
    ------
    NgspicePointError
        When ngspice failed at a sample.

    """
    failed = np.argwhere(answer.result == Result.ENGINE_FAILED)
    if not len(failed):
        return
    sample, phase = failed[0]
    push = (answer.beta[sample, phase], answer.target[sample, phase], answer.current[sample, phase])
    kept = keep(write_deck(circuit, chip, g, x=x[sample], pushes=[push] if phase else []))
    advice = f"; {Result.STIFF.advice}" if has_stiff(circuit, chip) else ""
    msg = (
        f"{circuit.name}: ngspice found no equilibrium for {len(set(failed[:, 0].tolist()))} of {len(x)} samples; "
        f"sample {sample}, {'nudged' if phase else 'free'}: {answer.message}{advice}; see it fail: ngspice -b {kept}"
    )
    raise NgspicePointError(msg)


def keep(deck: str) -> str:
    """Write a deck where it outlives the workers, and return where."""
    try:
        path = Path(tempfile.mkdtemp(prefix=DECK)) / "deck.cir"
        path.write_text(deck, encoding="utf-8")
    except OSError as error:
        return f"no file, for {error}"
    return str(path)
