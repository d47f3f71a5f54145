"""ngspice finds the same operating point for a deck and for the circuit that hwsim read in it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.passed import Passed
from hwsim.core.protocol import Drive
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from netlists.deck import Deck
from netlists.write.writer import write_deck
from support import foreign_decks
from support.decks import HAND, hand, operating_point, random_deck
from support.reading import parse


@pytest.fixture(scope="module", autouse=True)
def _one_pool():
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from foreign_decks.one_pool(monkeypatch)


def voltages(deck: Deck, folder: Path) -> np.ndarray:
    """Return all voltages by node number [V]: of the elements alone where their laws are known, else by our engine."""
    circuit = deck.circuit
    if circuit.of(Passed):
        with NgspiceEngine(workers=1).prepare(circuit, Chip.nominal(circuit)) as solver:
            return solver.solve(deck.g, Drive(deck.x[None])).at(circuit, np.arange(circuit.size + 1))[0]
    plain = replace(circuit, text=None)
    result = operating_point(write_deck(plain, Chip.nominal(plain), deck.g, x=deck.x), folder).v
    return np.array([0.0, *(result.get(name, np.nan) for name in circuit.node_names[1:])])


def agree(text: str, folder: Path) -> None:
    """Compare all voltages of the original with those of the circuit that was read."""
    deck = parse(text)
    wanted, got = operating_point(text, folder).v, voltages(deck, folder)
    assert wanted.keys() <= deck.nodes.keys(), text
    np.testing.assert_allclose([got[deck.nodes[n]] for n in wanted], list(wanted.values()), rtol=0, atol=1e-9, err_msg=text)


@pytest.mark.parametrize("name", HAND)
def test_every_reading_rule_is_that_of_ngspice(name, tmp_path):
    """Suffixes, parameters, subcircuits, temperatures, each kind of element: the operating point states whether they were understood."""
    agree(hand(name), tmp_path)


@pytest.mark.parametrize("block", range(4))
def test_random_decks_of_all_elements_are_read_as_ngspice_reads_them(block, tmp_path):
    """Whatever stands next to whatever."""
    for seed in range(15 * block, 15 * block + 15):
        agree(random_deck(seed), tmp_path)
