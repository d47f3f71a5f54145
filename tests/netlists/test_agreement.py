"""ngspice finds the same operating point for a deck and for what hwsim read in it and wrote again."""

from pathlib import Path

import numpy as np
import pytest

from circuits.chip import Chip
from netlists.read.parser import parse
from netlists.write.writer import write_deck
from support.decks import HAND, hand, operating_point, random_deck


def agree(text: str, folder: Path) -> None:
    """Hold all voltages of the original against those of the circuit that was read."""
    deck = parse(text)
    ours = write_deck(deck.circuit, Chip.nominal(deck.circuit), deck.g, x=deck.x)
    wanted, got = operating_point(text, folder).v, operating_point(ours, folder).v
    names = deck.circuit.node_names
    shared = [name for name in wanted if name in deck.nodes]
    assert len(shared) == len(wanted)
    np.testing.assert_allclose([got[names[deck.nodes[n]]] for n in shared], [wanted[n] for n in shared], rtol=0, atol=1e-9, err_msg=text)


@pytest.mark.parametrize("name", HAND)
def test_every_reading_rule_is_that_of_ngspice(name, tmp_path):
    """Suffixes, parameters, subcircuits, temperatures, each kind of element: the operating point says whether they were understood."""
    agree(hand(name), tmp_path)


@pytest.mark.parametrize("block", range(8))
def test_random_decks_of_all_elements_are_read_as_ngspice_reads_them(block, tmp_path):
    """Whatever stands beside whatever."""
    for seed in range(25 * block, 25 * block + 25):
        agree(random_deck(seed), tmp_path)
