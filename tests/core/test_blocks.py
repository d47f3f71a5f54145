"""Blocks: conductances cut by what drives their rows, and put together again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from circuits.chip import Chip
from circuits.network import Network
from hwsim.core import blocks
from support.strategies import conductances, networks


@given(st.data())
def test_joined_blocks_are_what_was_split(data) -> None:
    """Nothing is lost, moved or copied twice, in whatever order the blocks lie."""
    circuit = data.draw(networks()).compile()
    g = data.draw(conductances(circuit))
    cut = blocks.split(circuit, g)
    assert list(cut) == blocks.names(circuit)
    mixed = {block: cut[block] for block in data.draw(st.permutations(list(cut)))}
    joined = blocks.join(mixed)
    assert set(joined) == set(g)
    for element, values in g.items():
        np.testing.assert_array_equal(joined[element], values)
    assert all(blocks.split(circuit, cut)[block] is values for block, values in cut.items())


def test_devices_keep_their_own_parameters() -> None:
    """A bound that differs from device to device is cut as the conductances are."""
    circuit = Network(inputs=2, outputs=1).compile()
    (crossbar,) = circuit.trainable
    bounds = np.arange(1.0, 1.0 + len(crossbar)).reshape(crossbar.shape) * 1e-7
    chip = Chip(circuit, {crossbar.name: {"g_min": bounds}})
    cut = {block: blocks.parameter(chip, block, "g_min") for block in blocks.names(circuit)}
    np.testing.assert_array_equal(blocks.join(cut)[crossbar.name], bounds)
    assert blocks.parameter(Chip.nominal(circuit), next(iter(cut)), "g_min") == crossbar.g_min
