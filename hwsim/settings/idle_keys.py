"""Keys that mean nothing next to the values of other keys: `noise.bandwidth` where nothing is noisy."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from hwsim.settings.device_settings import OF_PULSES
from hwsim.settings.energy_settings import EnergySettings


class Idle(NamedTuple):
    """When some keys mean nothing.

    Parameters
    ----------
    keys
        Their names.
    when
        Whether they mean nothing in an experiment.
    because
        The reason, with the key to change.

    """

    keys: tuple[str, ...]
    when: Callable[[Any], bool]
    because: str


IDLE = (
    Idle(
        ("training.init", "training.g_init"),
        lambda e: e.training.start is not None and e.training.start_arrays is None,
        "training.start sets the conductances",
    ),
    Idle(("pretraining",), lambda e: e.training.start is not None, "training.start sets the conductances that pretraining would learn"),
    Idle(("noise.bandwidth",), lambda e: not (e.noise.thermal or e.noise.shot), "noise.thermal and noise.shot are false"),
    Idle(("variation.dac_full_scale",), lambda e: e.variation.dac_bits is None, "variation.dac_bits is absent"),
    Idle(("variation.adc_full_scale",), lambda e: e.variation.adc_bits is None, "variation.adc_bits is absent"),
    Idle(
        ("variation.stuck_at",),
        lambda e: not e.variation.stuck and (e.variation.stuck is not None or e.device.preset is None),
        "variation.stuck is 0",
    ),
    Idle(("device.transfer",), lambda e: e.device.scheme != "tiki-taka", "device.scheme is not tiki-taka"),
    Idle(
        tuple(sorted(f"device.{key}" for key in OF_PULSES)),
        lambda e: e.device.levels is not None,
        "device.levels is set, and devices are written to their level, not pulsed",
    ),
    Idle(
        ("device.verify_tolerance", "device.verify_rounds"),
        lambda e: e.device.scheme != "write-verify" and not e.device.pairs,
        "device.scheme is not write-verify, and device.pairs is false",
    ),
    Idle(
        ("device.threshold",),
        lambda e: e.device.scheme != "write-verify" and e.device.rounding not in {"sign", "accumulate"},
        "device.rounding is neither sign nor accumulate, and device.scheme is not write-verify",
    ),
    Idle(("device.refresh", "device.common"), lambda e: not e.device.pairs, "device.pairs is false"),
    Idle(
        ("solver.ngspice_full", "solver.ngspice_timeout", "solver.ngspice_processor", "solver.ngspice_memory"),
        lambda e: e.training.engine != "ngspice",
        "training.engine is not ngspice",
    ),
    Idle(
        ("reservoir.fan_in",),
        lambda e: e.reservoir is not None and e.reservoir.family == "cycle",
        "reservoir.family is cycle, whose columns meet one other each",
    ),
    Idle(("reservoir.v_bias",), lambda e: e.reservoir is not None and not e.reservoir.bias and e.crossbar is None, "reservoir.bias is 0"),
    Idle(
        tuple(f"energy.{key}" for key in EnergySettings.model_fields),
        lambda _: True,
        "energy is only counted, and changes no error",
    ),
)


def idle(experiment: Any) -> Iterator[tuple[str, str]]:
    """List the keys that mean nothing in an experiment, each with the reason."""
    return ((key, one.because) for one in IDLE if one.when(experiment) for key in one.keys)
