"""Labels of axes: words and a unit for every key that takes numbers."""

import pytest

from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.settings.validation_errors import known_keys
from hwsim.sweep.axis_labels import axis_label

TEXTS = {
    "name",
    "about",
    "dialect",
    "kind",
    "preset",
    "init",
    "loss",
    "rule",
    "nudge",
    "engine",
    "optimizer",
    "schedule",
    "precision",
    "scaling",
    "task",
    "target_scaling",
    "targets",
    "start",
    "pattern",
    "onward",
    "family",
    "deck",
    "dynamics",
    "level_spacing",
    "level_rounding",
    "coding",
    "country",
    "error",
    "answers",
    "data",
    "shards",
    "exchange",
    "listen",
    "teacher",
}
OTHERS = {
    "recurrence",
    "hold",
    "update",
    "circuit",
    "device",
    "start_arrays",
    "settings",
    "start",
    "scheme",
    "rounding",
    "stuck_at",
    "netlist",
    "trainable",
    "method",
    "neuron",
    "output_neuron",
    "propagation",
    "amplifier",
    "layers",
    "g_init",
    "sizes",
    "gains",
    "biases",
}
SWITCHES = {
    "exact",
    "tied",
    "twins",
    "flip",
    "affine",
    "differential",
    "signed_inputs",
    "bias",
    "signed_bias",
    "skip_failed",
    "pairs",
    "spread",
    "thermal",
    "shot",
    "newton",
    "ngspice_full",
    "signed",
    "shadow",
    "weight",
    "load",
    "output_load",
}


def test_every_number_has_a_plain_name() -> None:
    """No label repeats its key, and no two keys share one; of volts, ohms and siemens it reports it."""
    keys = [key for key in dict.fromkeys(known_keys(Experiment)) if "." in key and not key.startswith("reached")]
    numbers = [key for key in keys if key.rpartition(".")[2] not in TEXTS | OTHERS | SWITCHES]
    labels = {key: axis_label(key) for key in numbers}
    alike = {"inputs", "outputs", "folds", "momentum", "epochs", "seed", "chip"}
    unnamed = [key for key, label in labels.items() if label == key.rpartition(".")[2].replace("_", " ") and label not in alike]
    assert unnamed == []
    assert len(set(labels.values())) == len(numbers)
    assert [key for key in numbers if key.endswith((".v_low", ".offset", ".rails", "full_scale")) and "[V]" not in labels[key]] == []


@pytest.mark.parametrize("key", ["circuit.layers[0].size", "circuit.layers.0.size"])
def test_layers_count_from_one(key: str) -> None:
    """As both spellings of a key that --set takes."""
    assert override(load("iris"), [f"{key}=3"]).circuit.layers[0].size == 3  # type: ignore[union-attr]
    assert axis_label(key) == "neurons of layer 1"
