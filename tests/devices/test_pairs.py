"""Pairs: found where voltages count with opposite signs, moved both ways by pulses up only, and written again with the same difference."""

import jax
import numpy as np
import pytest

from circuits.circuit import Circuit
from circuits.network import Layer, Network
from hwsim.devices.arrays.draw import nominal
from hwsim.devices.arrays.models import Devices
from hwsim.devices.arrays.pairs import Pairs, refresh
from hwsim.devices.kinds import presets
from hwsim.devices.kinds.presets import DeviceError
from hwsim.devices.programming.chip_devices import pulsed
from hwsim.devices.programming.rounding import Sizes
from hwsim.devices.programming.writing import Reading, Verify, Written, rewrite, write_those
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.variation_settings import VariationSettings
from hwsim.typing import Array
from support.reading import parse

pytestmark = pytest.mark.usefixtures("jax_64_bits")

RANGE = (1e-6, 1e-4)


def network(**settings: bool) -> Circuit:
    return Network(inputs=3, layers=(Layer(size=2),), outputs=2, g_min=RANGE[0], g_max=RANGE[1], **settings).compile()


def ends(circuit: Circuit) -> list[tuple[str, str]]:
    names = circuit.node_names
    return [(names[a], names[b]) for w in circuit.trainable for a in w.rows for b in w.columns]  # type: ignore[union-attr] # crossbars


def test_partners_are_opposite_rows_or_opposite_columns() -> None:
    """The rows of x and −x into one column are partners, and a row's way to the two columns of an output; a hidden bias has none."""
    circuit = network()
    pairs, places = Pairs.of(circuit), ends(circuit)
    for k, (row, column) in enumerate(places):
        other_row, other_column = places[pairs.partner[k]]
        if row == "bias" and column.startswith("h"):
            assert (pairs.side[k], pairs.partner[k]) == (0, k)
            continue
        assert pairs.side[k] == -pairs.side[pairs.partner[k]] != 0
        assert pairs.partner[pairs.partner[k]] == k
        if column.startswith("h"):
            assert (other_row, other_column) == (row.replace("x_", "xn_") if "xn" not in row else row.replace("xn_", "x_"), column)
        else:
            number = int(column.removeprefix("out_"))
            assert (other_row, other_column) == (row, f"out_{number ^ 1}")


def test_a_deck_s_resistors_are_pairs_too_unless_they_stand_side_by_side() -> None:
    """Resistors to an output's two nodes are partners, whichever way round; of two in parallel one has no partner."""
    deck = """pairs
*hwsim: trainable R* g_min=1e-6 g_max=1e-4
*hwsim: input V1
*hwsim: output p m
V1 a 0 1
R1 a p 20k
R2 m a 20k
R3 p a 30k
R4 p 0 30k
.end
"""
    circuit = parse(deck, name="pairs").circuit
    pairs = Pairs.of(circuit)
    assert pairs.partner.tolist() == [1, 0, 2, 3]
    assert sorted(np.abs(pairs.side).tolist()) == [0, 0, 1, 1]


def test_pulses_go_up_only_and_move_the_difference_either_way() -> None:
    """A pair gets the pulses of its wanted difference, all upwards, on one of its devices; the others are pulsed as they would be."""
    pairs = Pairs.of(network())
    dg = np.random.default_rng(0).standard_normal(pairs.side.shape)
    n = pairs.raised(np.round(3 * pairs.wanted(dg)).astype(int))
    plus, alone = pairs.side > 0, pairs.side == 0
    difference = (dg - dg[pairs.partner])[plus]
    np.testing.assert_array_equal((n - n[pairs.partner])[plus], np.round(3 * difference))
    assert n[~alone].min() == 0
    assert (np.minimum(n, n[pairs.partner])[~alone] == 0).all()
    np.testing.assert_array_equal(n[alone], np.round(3 * dg[alone]))


def written_anew(preset: str, *, stuck: bool) -> tuple[Array, Written, Pairs, Sizes, Devices]:
    device = presets.load(preset)
    device = device.model_copy(update={"noise": device.noise.model_copy(update={"cycle": 0.02, "even_step": None, "write": 0.0})})
    quiet = nominal(device.model_copy(update={"noise": type(device.noise)()}), RANGE)
    curve = quiet.pulse(np.full(300, RANGE[0]), np.arange(300), np.zeros(300))
    ours, sizes, verify = np.arange(800), Sizes.nominal(device, RANGE), Verify(0.5, 40, 2 if device.one_sided else 60)
    pairs = Pairs((ours ^ 1).astype(np.int32), np.where(ours % 2, -1, 1).astype(np.int32))
    rng = np.random.default_rng(5)
    g = rng.uniform(2e-6, 8e-5, 800)
    normals: Array = rng.standard_normal((82, 2, 800))
    devices = nominal(device, RANGE)
    if stuck:
        devices = devices._replace(stuck=rng.random(800) < 0.2, stuck_at=g)

    def write(g: Array, target: Array, where: Array, number: int) -> Written:
        some = normals[41 * number :]
        if device.one_sided:
            return rewrite(devices, curve, g, target, where, verify, some, Reading())
        return write_those(devices, sizes, g, target, where, verify, some, Reading())

    done = refresh(devices, pairs, g, 0.3, write)
    normals = jax.numpy.asarray(normals)
    compiled = jax.jit(lambda g: refresh(devices, pairs, g, 0.3, write))(g)
    np.testing.assert_allclose(compiled.g, done.g, rtol=1e-9)
    np.testing.assert_array_equal(compiled.pulses, done.pulses)
    return g, done, pairs, sizes, devices


@pytest.mark.parametrize("preset", ["pcm", "ecram"])
def test_refreshing_keeps_the_difference_and_lowers_both(preset: str) -> None:
    """Pairs of which both devices are high are written lower with the same difference; all others are left alone, at no cost."""
    g, done, pairs, sizes, _ = written_anew(preset, stuck=False)
    both = np.minimum(g, g[pairs.partner]) > RANGE[0] + 0.3 * (RANGE[1] - RANGE[0])
    assert 0.1 < both.mean() < 0.9
    np.testing.assert_array_equal(done.g[~both], g[~both])
    assert done.pulses[~both].sum() == done.reads[~both].sum() == 0
    difference, before = done.g - done.g[pairs.partner], g - g[pairs.partner]
    assert np.abs(difference - before)[both].mean() < 2 * sizes.up
    low = np.minimum(done.g, done.g[pairs.partner])[both]
    assert np.median(low) < RANGE[0] + 5 * sizes.up
    assert done.pulses[both].min() > 0
    assert done.reads[both].min() > 0
    assert done.energy[both].min() > 0


def test_a_stuck_device_does_not_cost_the_weight() -> None:
    """Where one of a pair cannot be lowered, the other makes up for it, so that their difference stays."""
    g, done, pairs, sizes, devices = written_anew("pcm", stuck=True)
    assert devices.stuck is not None
    larger_stuck = devices.stuck & (g > g[pairs.partner]) & ~devices.stuck[pairs.partner]
    changed = np.abs((done.g - done.g[pairs.partner]) - (g - g[pairs.partner]))
    assert larger_stuck.sum() > 20
    assert changed[larger_stuck].mean() < 2 * sizes.up


@pytest.mark.parametrize(
    ("settings", "circuit", "message"),
    [
        ({"preset": "pcm"}, network(signed_inputs=False, differential=False), "signed_inputs or circuit.differential"),
        ({"preset": "ideal"}, network(), "reaches any conductance"),
        ({"preset": "reram-sb", "scheme": "tiki-taka"}, network(), "scheme 'pulses'"),
    ],
)
def test_pairs_that_cannot_be_are_refused(settings: dict[str, str], circuit: Circuit, message: str) -> None:
    """Circuits without pairs, exact devices and schemes that send pulses down are refused, with the remedy."""
    with pytest.raises(DeviceError, match=message):
        pulsed(DeviceSettings(pairs=True, **settings), VariationSettings(), circuit, np.float64)  # type: ignore[arg-type] # given by name
