"""What has no effect on a chain, or contradicts itself, is refused in a line with the remedy."""

import pytest

from cli.main import main
from hwsim.experiment.experiment import ExperimentError, make
from hwsim.experiment.overriding import override

DENSE = {"kind": "dense", "size": 3}
DIGITAL = {"kind": "digital", "inputs": 4, "layers": [DENSE]}
CIRCUIT = {"kind": "circuit", "circuit": {"inputs": 4, "outputs": 3}}
ENTROPY = {"loss": {"kind": "cross-entropy"}, "target_high": 0.1}

REFUSED = {
    "both sizes": ({"blocks": [DIGITAL | {"image": [2, 2]}]}, "image = [2, 2] and inputs = 4 both state what comes in; omit one"),
    "a device of digital layers": ({"blocks": [DIGITAL | {"layers": [DENSE, DENSE]}], "device": {"levels": 4}}, "device.levels is about"),
    "a rate of digital layers": ({"blocks": [DIGITAL], "training": {"rate": 1e-3}}, "training.rate is about circuits"),
    "noise of digital layers": ({"blocks": [DIGITAL], "noise": {"read": 1e-3}}, "noise.read is about circuits"),
    "an engine of digital layers": ({"blocks": [DIGITAL], "training": {"engine": "ngspice"}}, "training.engine is about circuits"),
    "a device that no circuit has": (
        {"blocks": [CIRCUIT | {"device": {"levels": 2}}], "device": {"levels": 4}},
        "set blocks[0].device.levels",
    ),
    "crossed bounds": ({"blocks": [CIRCUIT | {"g_init": [1e-5, 1e-6]}]}, "blocks[0].g_init: its lower end 1e-05 S is above"),
    "no rate": ({"blocks": [CIRCUIT | {"rate": []}]}, "blocks[0].rate has 0 entries"),
    "two softmaxes": (
        {"blocks": [DIGITAL | {"layers": [DENSE, {"kind": "softmax"}]}], "training": ENTROPY},
        "blocks[0] ends with a softmax, and training.loss.kind = 'cross-entropy' has its own",
    ),
    "a mean over one sample": (
        {"blocks": [DIGITAL | {"layers": [DENSE, {"kind": "batch-norm"}]}], "training": {"batch": 1}},
        "set training.batch to 2 or more",
    ),
    "a layer of more numbers than memory": (
        {"blocks": [DIGITAL | {"layers": [{"kind": "dense", "size": 10**12}, DENSE]}]},
        "blocks[0]: a layer has 4e+12 weights or outputs",
    ),
    "maps of more numbers than memory": (
        {"blocks": [{"kind": "digital", "image": [2, 2], "layers": [{"kind": "convolution", "channels": 1, "size": 1, "padding": 10**8}]}]},
        "make its size or its channels smaller",
    ),
    "nothing that learns": (
        {"blocks": [DIGITAL | {"layers": [{"kind": "residual", "layers": [{"kind": "relu"}]}]}]},
        "nothing in the blocks learns; add a circuit",
    ),
    "no block": ({"blocks": []}, "blocks = []: should have 1 entry or more"),
    "no kind": ({"blocks": [{"inputs": 4}]}, "blocks[0].kind is missing; set it to digital or circuit"),
    "a key of the other kind": ({"blocks": [DIGITAL | {"rate": 1}]}, "which has inputs, image, layers, optimizer"),
    "flips without levels": ({"blocks": [CIRCUIT | {"device": {"flips": 0.1}}]}, "blocks[0].device: flips = 0.1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_effect_is_refused(case):
    """One problem, one remedy; what follows from it is not a second problem."""
    change, message = REFUSED[case]
    with pytest.raises(ExperimentError) as error:
        make({"name": "chain", "data": {"name": "iris"}} | change, "chain.toml")
    assert message in str(error.value)
    assert "Tuple" not in str(error.value)
    assert "\n" not in str(error.value)


def test_keys_of_one_circuit_are_refused_for_a_chain():
    """They would be those of a second circuit."""
    chain = make({"name": "chain", "data": {"name": "iris"}, "blocks": [CIRCUIT]}, "chain.toml")
    with pytest.raises(ExperimentError, match=r"set blocks\[0\].circuit"):
        override(chain, ["circuit.inputs=4"])


def test_batches_of_one_map_are_averaged_over_its_pixels():
    """Batch norm of maps has a mean where a sample has several pixels."""
    layers = [{"kind": "residual", "layers": [{"kind": "batch-norm"}]}, {"kind": "flatten"}, DENSE]
    blocks = [{"kind": "digital", "image": [2, 2], "layers": layers}]
    make({"name": "chain", "data": {"name": "iris"}, "blocks": blocks, "training": {"batch": 1}}, "chain.toml")


def test_levels_of_an_option_are_those_of_every_circuit(tmp_path, capsys):
    """--levels never rounds a part of a chain."""
    (tmp_path / "chain.toml").write_text(
        'data = {name = "iris"}\n[[blocks]]\nkind = "circuit"\ncircuit = {inputs = 4, outputs = 3}\ndevice = {levels = 4}\n'
        '[[blocks]]\nkind = "circuit"\ncircuit = {inputs = 3, outputs = 3}\n'
    )
    assert main(["evaluate", str(tmp_path / "chain.toml"), "--levels", "8"]) == 2
    assert "add --set blocks[0].device.levels=8" in capsys.readouterr().err


def test_a_training_that_diverges_stops(tmp_path, capsys):
    """No error is reported of parameters that are no numbers."""
    (tmp_path / "chain.toml").write_text(
        'data = {name = "iris", train_limit = 24}\n[[blocks]]\nkind = "digital"\ninputs = 4\nlayers = [{kind = "dense", size = 3}]\n'
        'optimizer = {kind = "sgd", rate = 1e300}\n'
    )
    assert main(["train", str(tmp_path / "chain.toml"), "--epochs", "1", "-o", str(tmp_path / "run")]) == 1
    assert "lower the rates" in capsys.readouterr().err
