"""Axis labels: a short plain name of a key with its unit, for the axis of a plot."""

import re
from collections.abc import Mapping

from hwsim.settings.flat_training import canonical

_LABELS = {
    "circuit.image": "shape of the images [pixels]",
    "circuit.layers.size": "neurons of layer {}",
    "circuit.layers.channels": "channels of layer {}",
    "circuit.layers.stride": "stride of layer {} [pixels]",
    "circuit.layers.padding": "padding of layer {} [pixels]",
    "circuit.layers.r": "pool resistance of layer {} [Ω]",
    "circuit.layers.neuron.v_low": "lower rail of layer {} [V]",
    "circuit.layers.neuron.v_high": "upper rail of layer {} [V]",
    "circuit.layers.neuron.i_sat": "diode saturation current of layer {} [A]",
    "circuit.layers.neuron.n": "diode emission coefficient of layer {}",
    "circuit.layers.neuron.eg": "diode energy gap of layer {} [eV]",
    "circuit.layers.neuron.xti": "saturation current's temperature exponent of layer {}",
    "circuit.layers.amplifier.gain": "amplifier gain of layer {}",
    "circuit.layers.amplifier.back": "amplifier backward gain of layer {}",
    "circuit.layers.amplifier.offset": "amplifier offset of layer {} [V]",
    "circuit.layers.amplifier.output_resistance": "amplifier output resistance of layer {} [Ω]",
    "circuit.layers.recurrence.fan_in": "recurrent memristors a column of layer {}",
    "circuit.layers.recurrence.seed": "seed of the recurrence of layer {}",
    "circuit.layers.recurrence.gain": "recurrent gain of layer {}",
    "circuit.layers.recurrence.back": "recurrent backward gain of layer {}",
    "circuit.layers.recurrence.leak": "leak of layer {} [S]",
    "circuit.layers.recurrence.hold.sampled": "sampling capacitance of layer {} [F]",
    "circuit.layers.recurrence.hold.held": "holding capacitance of layer {} [F]",
    "circuit.layers.recurrence.hold.bits": "bits of a state of layer {}",
    "circuit.layers.recurrence.hold.full_scale": "full scale of the states of layer {} [V]",
    "circuit.layers.recurrence.g_min": "lowest recurrent conductance of layer {} [S]",
    "circuit.layers.recurrence.g_max": "highest recurrent conductance of layer {} [S]",
    "reservoir.nodes": "nodes of the reservoir",
    "reservoir.fan_in": "lines that meet a node of the reservoir",
    "reservoir.spectral_radius": "spectral radius of the reservoir",
    "reservoir.leak": "leak of the reservoir's states",
    "reservoir.input_scale": "input scale of the reservoir [V]",
    "reservoir.v_bias": "bias voltage of the reservoir [V]",
    "reservoir.clamp": "clamp voltage of the reservoir [V]",
    "reservoir.i_sat": "diode saturation current of the reservoir [A]",
    "reservoir.leak_conductance": "leak conductance of the reservoir's nodes [S]",
    "reservoir.capacitance": "capacitance of the reservoir's states [F]",
    "reservoir.bits": "bits of the reservoir's states",
    "reservoir.g_low": "conductance of the reservoir's weight 0 [S]",
    "reservoir.g_high": "conductance of the reservoir's weight 1 [S]",
    "reservoir.mismatch": "mismatch of the reservoir's conductances",
    "reservoir.noise": "noise of the reservoir's states [V]",
    "reservoir.reads": "rows at which the reservoir is read",
    "reservoir.washout": "washout of the reservoir [rows]",
    "circuit.capacitance": "capacitance of a node [F]",
    "circuit.inputs": "inputs",
    "circuit.outputs": "outputs",
    "circuit.input_scale": "input scale [V]",
    "circuit.v_bias": "bias voltage [V]",
    "circuit.g_min": "lowest conductance [S]",
    "circuit.g_max": "highest conductance [S]",
    "circuit.wire_r_row": "resistance of a row's wire segment [Ω]",
    "circuit.wire_r_column": "resistance of a column's wire segment [Ω]",
    "data.clip": "clip of scaled features",
    "data.test_share": "share of samples in the test set",
    "data.folds": "folds",
    "data.fold": "number of the test fold",
    "data.validation": "share of samples for validation",
    "data.train_limit": "training samples",
    "data.test_limit": "test samples",
    "data.overfit": "samples to memorize",
    "data.shift": "largest shift of training images [pixels]",
    "data.input_dropout": "share of features left out",
    "data.denoise": "noise of training features",
    "training.nudge.beta": "nudge strength β [S]",
    "training.nudge.u": "displacement of the outputs by the nudge [V]",
    "training.rule.points": "points of the circle of nudges",
    "training.rule.eta": "clamping share η",
    "training.loss.v_softmax": "softmax scale [V]",
    "training.target_low": "low target [V]",
    "training.target_high": "high target [V]",
    "training.optimizer.momentum": "momentum",
    "training.optimizer.b1": "Adam's β₁",
    "training.optimizer.b2": "Adam's β₂",
    "training.rate": "learning rate",
    "training.schedule.decay": "decay of the learning rate per epoch",
    "training.epochs": "epochs",
    "pretraining.epochs": "epochs of stage {}",
    "training.batch": "batch size",
    "training.seed": "seed",
    "device.threshold": "pulse threshold [pulses]",
    "device.max_pulses": "most pulses an update",
    "device.verify_tolerance": "write-verify tolerance [pulses]",
    "device.verify_rounds": "write-verify rounds",
    "device.transfer": "share transferred an update",
    "device.refresh": "updates between refreshes",
    "device.common": "common share before a refresh",
    "device.cycle": "cycle-to-cycle noise (σ/step)",
    "device.asymmetry": "asymmetry of the steps b",
    "device.levels": "levels of a device",
    "device.flips": "largest share of devices that flip an update",
    "device.flips_decay": "decay of the limit of flips in an update",
    "energy.amplifier_watts": "power of an amplifier at equilibrium [W]",
    "energy.dac_joules": "energy of an input's conversion [J]",
    "energy.adc_joules": "energy of an output's conversion [J]",
    "energy.converter_bits": "bits of the converters",
    "company.chips": "chips in company",
    "company.skew": "concentration of classes",
    "company.every": "epochs between exchanges",
    "company.burn_in": "epochs before outputs are exchanged",
    "company.common": "common samples without labels",
    "energy.core_watts": "power of a busy core [W]",
    "energy.pue": "power usage effectiveness",
    "energy.intensity": "CO2 equivalents of electricity [kg/kWh]",
    "training.update.quantise": "values of a rounded free drop",
    "training.update.probability": "share of devices that an update reaches",
    "device.temperature_coefficient": "temperature coefficient of conductance [1/K]",
    "variation.chip": "chip",
    "variation.diode_i_sat": "spread of diode saturation current (σ of ln)",
    "variation.diode_n": "spread of diode emission coefficient (σ/mean)",
    "variation.rails": "spread of rail voltages (σ) [V]",
    "variation.gain": "spread of amplifier gain (σ/mean)",
    "variation.back": "spread of backward gain (σ/mean)",
    "variation.offset": "spread of amplifier offset (σ) [V]",
    "variation.output_resistance": "added output resistance [Ω]",
    "variation.output_resistance_spread": "spread of output resistance (σ of ln)",
    "variation.g_min": "spread of lowest conductance (σ/range)",
    "variation.g_max": "spread of highest conductance (σ/range)",
    "variation.step": "spread of step size (σ/mean)",
    "variation.asymmetry": "spread of asymmetry (σ of b)",
    "variation.stuck": "share of stuck memristors",
    "variation.dac_bits": "input converter resolution [bits]",
    "variation.dac_full_scale": "input converter full scale [V]",
    "variation.dac_offset": "spread of input converter offset (σ) [V]",
    "variation.adc_bits": "output converter resolution [bits]",
    "variation.adc_full_scale": "output converter full scale [V]",
    "variation.adc_offset": "spread of output converter offset (σ) [V]",
    "variation.capacitance": "spread of capacitance (σ of ln)",
    "variation.nudge_gain": "spread of nudge strength (σ/mean)",
    "variation.temperature": "temperature [°C]",
    "variation.after": "time since programming [s]",
    "noise.bandwidth": "noise bandwidth [Hz]",
    "noise.read": "read noise (σ/voltage)",
    "noise.read_floor": "read noise (σ) [V]",
    "solver.tolerance": "solver tolerance",
    "solver.max_steps": "most solver steps",
    "solver.ngspice_workers": "ngspice processes",
    "solver.ngspice_timeout": "ngspice time-out [s]",
    "solver.ngspice_processor": "ngspice processor time [s]",
    "solver.ngspice_memory": "ngspice memory [B]",
}
"""By key; of keys of layers without the layer's number."""

_DIGITAL = {
    "inputs": "digital inputs",
    "image": "digital image shape [pixels]",
    "layers.size": "size of digital layer {}",
    "layers.channels": "channels of digital layer {}",
    "layers.stride": "stride of digital layer {} [pixels]",
    "layers.padding": "padding of digital layer {} [pixels]",
    "layers.momentum": "share of running averages that digital layer {} keeps",
    "layers.eps": "ε of the norm in digital layer {}",
    "layers.factor": "factor of digital layer {}",
    "optimizer.rate": "digital learning rate",
    "optimizer.b1": "digital Adam's β₁",
    "optimizer.b2": "digital Adam's β₂",
    "optimizer.decay": "digital weight decay",
    "optimizer.momentum": "digital momentum",
}
"""By key within a digital block."""

_BLOCK = re.compile(r"^blocks(?:\[(\d+)\]|\.(\d+))\.")
_LAYER = re.compile(r"(?<=layers)(?:\[(\d+)\]|\.(\d+))|(?<=^pretraining)(?:\[(\d+)\]|\.(\d+))")


def axis_label(key: str) -> str:
    """Return the name of a key; keys without numbers, such as training.optimizer, have the words of their last part but `kind`."""
    if block := _BLOCK.match(key):
        return f"{_label_of(key[block.end() :], ('', 'training.'), _DIGITAL)}, block {_one_based(block)}"
    return _label_of(key)


def _label_of(key: str, sections: tuple[str, ...] = ("",), others: Mapping[str, str] | None = None) -> str:
    """Return the name of a key of one of these sections, or else of other keys, numbered by its layers."""
    bare = _LAYER.sub("", key)
    names = [name for section in sections if (name := _LABELS.get(canonical(section + bare)))]
    label = (others or {}).get(bare.replace("layers.layers", "layers")) or next(iter(names), None)
    if label is None:
        return key.removesuffix(".kind").rpartition(".")[2].replace("_", " ")
    return label.format(".".join(str(_one_based(number)) for number in _LAYER.finditer(key)))


def _one_based(number: re.Match[str]) -> int:
    """Return the number of a layer or block as people count, from 1."""
    return 1 + int(next(digits for digits in number.groups() if digits))
