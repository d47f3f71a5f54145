"""What --set fixes and --vary varies is checked together, before anything is computed."""

import pytest

from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.loading import load
from hwsim.settings.idle_keys import IDLE, idle
from hwsim.settings.keys import known_keys
from hwsim.sweep.new_sweep import Planned
from hwsim.sweep.points import Design
from hwsim.sweep.sweep_errors import SweepError

KIND = "circuit.layers[0].neuron.kind=diode-pair,ideal-pair"


def planned(settings: str, vary: str, kind: str = "grid") -> Planned:
    """Plan a sweep over iris from what is typed after --set and --vary."""
    return Planned.make("iris", settings.split(), vary.split(), "evaluate", design=Design(kind=kind))


@pytest.mark.parametrize(
    ("settings", "vary", "message"),
    [
        (
            "training.beta=1e-5",
            "training.beta=1e-6,2e-6",
            "beta=1e-5 has no effect at point 1, where --vary training.beta = 1e-06",
        ),
        (
            "circuit.layers.0.neuron.v_low=-0.2",
            KIND,
            "v_low=-0.2 has no effect at point 2, where .* = 'ideal-pair' replaces",
        ),
        ("training.nudge.beta=1e-5", "training.beta=1e-6,2e-6", "nudge.beta=1e-5 has no effect at point 1"),
        ("training.optimizer.b1=0.5", "training.optimizer=adam,sgd", "b1=0.5 has no effect at point 2"),
        ("", "noise.bandwidth=1e5,1e6", "has no effect at point 1, nor at any other: noise.thermal and noise.shot are false"),
        ("device.preset=ecram", "device.transfer=0.1,0.2 device.rounding=sign,nearest", "device.scheme is not tiki-taka"),
        ("variation.stuck=0", "variation.stuck_at=g_min,g_max", "variation.stuck is 0"),
    ],
)
def test_what_does_not_go_together_is_refused(settings: str, vary: str, message: str) -> None:
    """Naming the first point where a varied key replaces a fixed one, or why it means nothing anywhere."""
    with pytest.raises(SweepError, match=message):
        planned(settings, vary)


@pytest.mark.parametrize(
    ("settings", "vary", "kind"),
    [
        ("training.beta=1e-5", "training.beta=1e-6,2e-6", "alone"),  # where it starts from
        ("circuit.layers.0.neuron.v_low=-0.2", "circuit.layers[0].neuron.kind=diode-pair circuit.layers[0].size=4,8", "grid"),
        ("noise.shot=true", "noise.bandwidth=1e5,1e6", "grid"),
        ("", "noise.bandwidth=1e5,1e6 noise.shot=false,true", "grid"),  # it counts at half of the points
        ("device.preset=ecram", "device.transfer=0.1,0.2 device.scheme=pulses,tiki-taka", "grid"),
    ],
)
def test_what_goes_together_is_planned(settings: str, vary: str, kind: str) -> None:
    """A fixed key that holds at every point, or that points start from, and a varied one that counts somewhere."""
    assert len(planned(settings, vary, kind).points) >= 2


def test_a_fixed_key_may_need_a_varied_one() -> None:
    """`device.cycle` needs a preset, which every point has."""
    points = planned("device.cycle=0.1", "device.preset=pcm,ecram").points
    base = load("iris", ["device.preset=pcm", "device.cycle=0.1"])
    assert {(one.device.preset, one.device.cycle) for one in (point.experiment(base) for point in points)} == {("pcm", 0.1), ("ecram", 0.1)}
    with pytest.raises(ExperimentError, match="without preset none are sent"):
        planned("device.cycle=0.1", "device.preset=pcm,ecram", "alone")
    with pytest.raises(ExperimentError, match=r"no such key; did you mean training\.epochs"):
        planned("training.epoch=1", "training.beta=1e-6,2e-6")


def test_keys_that_mean_nothing_exist() -> None:
    """Each is a key of an experiment, and so is each that is named as the reason; a default experiment has some of them."""
    expected = set(known_keys(Experiment))
    for one in IDLE:
        assert set(one.keys) <= expected
        assert one.because.partition(" ")[0] in expected
    assert dict(idle(load("xor")))["noise.bandwidth"] == "noise.thermal and noise.shot are false"
    assert "noise.bandwidth" not in dict(idle(load("xor", ["noise.thermal=true"])))
    assert "reservoir.fan_in" in dict(idle(load("narma10", ["reservoir.family=cycle"])))
    assert "reservoir.fan_in" not in dict(idle(load("narma10")))
