"""Checks of what workers return, where failed samples are skipped too."""

import numpy as np
import pytest

from hwsim.company.answer_checks import impossible
from hwsim.experiment.loading import load


@pytest.mark.parametrize(("wrong", "words"), [(1e-6, ""), (np.nan, "is not finite"), (np.inf, "is not finite"), (-1e-6, "negative")])
def test_conductances_that_no_device_has_are_refused(wrong: float, words: str) -> None:
    """One is enough, in any array; skipped samples are no reason for it."""
    circuit = load("iris").one_circuit.compile("iris")
    *_, last = circuit.memristive
    arrays = {f"g/{element.name}": np.full(len(element), 1e-6) for element in circuit.memristive}
    assert not impossible(circuit, arrays)
    arrays[f"g/{last.name}"][-1] = wrong
    reason = impossible(circuit, arrays)
    assert words in reason
    assert bool(reason) == bool(words)
    assert not reason or f"g/{last.name}" in reason
