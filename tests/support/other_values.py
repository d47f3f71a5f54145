"""All keys of an experiment, and of each an experiment with another value of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import numpy as np

from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.settings import keys as settings_keys

COMPANY = {
    "data.shift": ["data.scaling=none"],
    "data.flip": ["data.scaling=none"],
    "data.test_share": [],
    "data.fold": ["data.folds=9"],
    "data.folds": [],
    "training.rule.eta": ["training.rule=coupled-learning"],
    "training.rule.points": ["training.rule=holomorphic"],
    "training.rule.frequency": ["training.rule=oscillating", "training.nudge.kind=frozen", "circuit.capacitance=1e-12"],
    "training.rule.input_frequency": [
        "training.rule={kind='oscillating', frequency=1e3}",
        "training.nudge.kind=frozen",
        "circuit.capacitance=1e-12",
        "circuit.layers[0].neuron.kind=linear",
    ],
    "training.nudge.u": ["training.nudge.kind=volts"],
    "training.loss.v_softmax": ["training.loss=cross-entropy"],
    "training.optimizer.momentum": ["training.optimizer=momentum"],
    "training.optimizer.b": ["training.optimizer=adam"],
    "training.schedule.decay": ["training.schedule=exponential"],
    "training.init": [],
    "circuit.layers[0].neuron.levels": ["circuit.layers[0].neuron={kind='comparator'}"],
    "circuit.layers[0].neuron.gain": ["circuit.layers[0].neuron={kind='comparator'}"],
    "circuit.layers[0].neuron.back": ["circuit.layers[0].neuron={kind='comparator'}"],
    "circuit.layers[0].neuron.r": ["circuit.layers[0].neuron={kind='comparator'}"],
    "circuit.output_neuron.": ["circuit.differential=false", "circuit.output_neuron={kind='diode-pair'}"],
    "circuit.layers[0].recurrence.": ["circuit.layers[0].recurrence={pattern='random', fan_in=3}"],
    "circuit.layers[0].recurrence.hold": ["circuit.layers[0].recurrence={hold={c_hold=1e-12}}"],
    "circuit.layers[0].recurrence.hold.bits": ["circuit.layers[0].recurrence={hold={bits=3, full_scale=0.1}}"],
    "circuit.layers[0].recurrence.hold.full_scale": ["circuit.layers[0].recurrence={hold={bits=3, full_scale=0.1}}"],
    "circuit.layers[0].recurrence.back": ["circuit.layers[0].recurrence={signed=false}"],
    "device.": ["device.preset=reram-sb"],
    "device.preset": [],
    "device.level_": ["device.levels=4"],
    "device.coding": ["device.levels=4"],
    "device.shadow": ["device.levels=4"],
    "device.flips": ["device.levels=4", "device.shadow=false"],
    "device.flips_decay": ["device.levels=4", "device.shadow=false", "device.flips=0.1"],
    "variation.output_resistance_spread": ["variation.output_resistance=100"],
    "variation.capacitance": ["circuit.capacitance=1e-12"],
    "variation.step": ["device.preset=reram-sb"],
    "variation.asymmetry": ["device.preset=reram-sb"],
    "variation.stuck_at": ["variation.stuck=0.2"],
    "variation.dac_bits": ["variation.dac_full_scale=3"],
    "variation.dac_full_scale": ["variation.dac_full_scale=3", "variation.dac_bits=4"],
    "variation.adc_bits": ["variation.adc_full_scale=0.5"],
    "variation.adc_full_scale": ["variation.adc_full_scale=0.5", "variation.adc_bits=8"],
    "variation.chip": ["variation.diode_i_sat=0.1"],
    "solver.ngspice_": ["training.engine=ngspice"],
}
"""By the beginning of a key, what an experiment must state for it to matter; the longest beginning counts."""

XOR = "netlists/examples/xor.cir"

CONVOLUTION, POOL = '{kind="convolution", channels=1, size=2, padding=1}', '{kind="pool", size=2, stride=1}'
MAPS = load("iris", ["training.epochs=1", "circuit.image=[2, 2]", f"circuit.layers=[{CONVOLUTION}]"])
POOLED = load("iris", ["training.epochs=1", f"circuit.layers=[{CONVOLUTION}, {POOL}]"])

VALUES: dict[str, tuple[Experiment, list[str]]] = {
    "circuit.image": (MAPS, ["circuit.image=[4, 1]"]),
    "circuit.twins": (load("iris", ["circuit.signed_bias=true", "circuit.layers[0].neuron.v_high=0.05"]), ["circuit.twins=true"]),
    "circuit.layers[0].kind": (load("iris"), [f"circuit.layers=[{CONVOLUTION}]"]),
    "circuit.layers[0].channels": (MAPS, ["circuit.layers[0].channels=2"]),
    "circuit.layers[0].stride": (MAPS, ["circuit.layers[0].stride=2"]),
    "circuit.layers[0].padding": (MAPS, ["circuit.layers[0].padding=0"]),
    "circuit.layers[0].tied": (MAPS, ["circuit.layers[0].tied=false"]),
    "circuit.layers[0].r": (POOLED, ["circuit.layers[1].r=2e4"]),
    "circuit.layers[0].recurrence.pattern": (
        load("iris", ["training.epochs=1", "circuit.layers[0].recurrence={}"]),
        ["circuit.layers[0].recurrence.pattern=cycle"],
    ),
    "circuit.layers[0].recurrence.onward": (
        load("iris", ["training.epochs=1", "circuit.layers=[{size=5, recurrence={}}]"]),
        ["circuit.layers[0].recurrence.onward=lines"],
    ),
    "circuit.output_neuron.kind": (
        load("iris", ["training.epochs=1", "circuit.differential=false"]),
        ["circuit.output_neuron={kind='diode-pair'}"],
    ),
    "circuit.inputs": (load("iris"), ["circuit.inputs=13", "data.name=wine"]),
    "circuit.outputs": (load("xor"), ["circuit.outputs=2"]),
    "circuit.netlist": (load(XOR, ["data.name=xor"]), ["circuit.netlist={deck}"]),
    "circuit.trainable": (
        load(XOR, ["data.name=xor", "training.rate=1e-6", "training.g_init=[1e-6, 1e-5]"]),
        ['circuit.trainable=["R_w1_#_#"]'],
    ),
    "data.name": (load("iris", ["data.train_limit=90"]), ["circuit.inputs=13", "data.name=wine"]),
    "energy.country": (load("iris", ["training.epochs=1"]), ["energy.country=DEU"]),
    "training.init": (load(XOR, ["data.name=xor"]), ["training.init=uniform"]),
    "training.start": (load("iris"), ["training.start={start}"]),
    "training.start_arrays": (load("iris"), ["training.start={start}", 'training.start_arrays=["w2"]']),
    "training.output_copies": (load("iris"), ["training.output_copies=2", "circuit.outputs=6"]),
    "training.rate": (load("iris"), ["training.rate=2e-6"]),
    "training.g_init": (load("iris"), ["training.g_init=[2e-6, 3e-5]"]),
    "training.rule.points": (load("iris", ["training.rule=holomorphic"]), ["training.rule.points=8"]),
    "training.rule.input_frequency": (
        load(
            "iris",
            [
                "training.rule={kind='oscillating', frequency=1e3}",
                "training.nudge.kind=frozen",
                "circuit.capacitance=1e-12",
                "circuit.layers[0].neuron.kind=linear",
            ],
        ),
        ["training.rule.input_frequency=2e3"],
    ),
    "training.engine": (load("iris"), ["training.engine=ngspice"]),
    "training.precision": (load("iris"), ["training.precision=float32"]),
    "device.preset": (load("iris"), ["device.preset=pcm"]),
    "reached.interval": (load("iris"), ["reached.interval=[0.1, 0.2]"]),
    "device.temperature_coefficient": (load("iris", ["variation.temperature=50"]), ["device.temperature_coefficient=0.002"]),
}
"""Keys whose other value cannot be made from their type: an experiment, and what changes in it.

`{deck}` is XOR with another resistance, `{start}` a file of conductances for iris.
"""

LABELS = {
    "name": "a label: of files, folders and messages",
    "about": "a line for people",
    "reached.": "what others reached with it",
    "energy.": "only counted",
}
"""Keys that change no training, and why."""

TYPES: dict[str, list[Any]] = {}
for _field in settings_keys.fields(Experiment):
    TYPES.setdefault(_field.key, []).append(_field.annotation)
AGES = "variation.after"
"""Training refuses it; that evaluations and sweeps agree on drifted chips is a law of its own (tests/cli/test_age.py)."""

REAL = {"data.task", "data.targets", "data.target_scaling"}
"""Real targets: the spies answer with classes. That these keys reach a training is tested in tests/data/test_real_targets.py."""

DIALECT = "circuit.dialect"
"""How a deck's text is read; that commands and runs read it so is tested in tests/netlists/test_dialects.py."""

STAGES = {"pretraining[0].layers", "pretraining[0].epochs", "pretraining[0].settings"}
"""Only runs are pretrained, and other trainings refuse it (tests/runs/test_pretraining.py)."""

BLOCKS = "blocks["
"""A block's tables are an experiment's of one circuit, whose keys are here; that they reach it, tests/chains/test_chain_keys.py tests."""

NO_OUTPUTS = {f"circuit.output_neuron.{key}" for key in ("levels", "gain", "back", "r")}
"""Of comparators, which no outputs may be (tests/circuits)."""

SERIES = {"data.error", "data.horizon", "data.length", "data.seed"}
"""Of series with real targets, which only read-outs of reservoirs learn (tests/data/test_series.py)."""

OF_OTHERS = {
    "reservoir.": "It makes states in place of features; that each key changes them, tests/reservoir/test_reservoir_keys.py tests.",
    "company.": "Only runs train in company, and other trainings refuse it (tests/company, tests/cli/test_company.py).",
    "training.propagation.": "Only chains propagate otherwise than end to end, and one circuit refuses it (tests/chains).",
}
"""Sections of which one circuit on iris knows nothing, and where they are tested."""

ELSEWHERE = {AGES, DIALECT, *REAL, *STAGES, *SERIES, *NO_OUTPUTS}
KEYS = sorted(
    key
    for key in TYPES
    if key not in ELSEWHERE
    and not key.startswith((BLOCKS, *OF_OTHERS))
    and not any(other.startswith((f"{key}.", f"{key}[")) for other in TYPES)
)
"""All keys but those of tables, whose own keys are listed."""


def others(annotation: Any, now: Any) -> Iterator[Any]:
    """List values of a type, as TOML, that are not the present one."""
    if get_origin(annotation) is Literal:
        yield from (json.dumps(value) for value in get_args(annotation) if value != now)
    elif annotation is bool:
        yield from (json.dumps(value) for value in (True, False) if value is not now)
    elif annotation is str:
        yield '"other"'
    elif annotation is int:
        yield str((now or 7) + 1)
    elif annotation is float:
        yield from (repr(value) for value in (0.9 * now if now else 0.1, 1.5 * (now or 1.0), 0.4, -0.1))
    for inner in get_args(annotation):
        yield from others(inner, now)


def changed(key: str, folder: Path) -> tuple[Experiment, Experiment] | None:
    """Return an experiment, and the same with another value of a key; None where no value is known."""
    if key in VALUES:
        base, settings = VALUES[key]
        deck = folder / "other.cir"
        deck.write_text(re.sub(r"^(R_w1_0_0 .*) \S+$", r"\1 123k", Path(XOR).read_text(), flags=re.MULTILINE))
        start = folder / "learned.npz"
        np.savez(start, **{element.name: np.full(element.shape, 3e-6) for element in load("iris").circuit.compile("iris").trainable})
        return base, override(base, [setting.replace("{deck}", str(deck)).replace("{start}", str(start)) for setting in settings])
    company = max((start for start in COMPANY if key.startswith(start)), key=len, default=None)
    base = load("iris", ["training.epochs=1", *(COMPANY[company] if company else [])])
    now: Any = base.model_dump()
    for step in key.replace("[0]", ".0").split("."):
        now = now[int(step)] if step.isdecimal() else (now or {}).get(step)
    for annotation in TYPES[key]:
        for value in others(annotation, now):
            try:
                other = override(base, [f"{key}={value}"])
            except ExperimentError:
                continue
            if other != base:
                return base, other
    return None
