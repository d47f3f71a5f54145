"""hwsim: analog circuits that learn. Everything public is here; each part loads when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuits.chip import Chip as Chip
    from circuits.circuit import Circuit as Circuit
    from circuits.clocked import SampleHold as SampleHold
    from circuits.comparator import Comparator as Comparator
    from circuits.errors import CircuitError as CircuitError
    from circuits.ideal_neurons import IdealPair as IdealPair
    from circuits.ideal_neurons import IdealRectifier as IdealRectifier
    from circuits.junction_neurons import DeadZone as DeadZone
    from circuits.junction_neurons import DiodePair as DiodePair
    from circuits.junction_neurons import Rectifier as Rectifier
    from circuits.network import Amplifier as Amplifier
    from circuits.network import ConvolutionLayer as ConvolutionLayer
    from circuits.network import Layer as Layer
    from circuits.network import Network as Network
    from circuits.network import PoolLayer as PoolLayer
    from circuits.neurons import Linear as Linear
    from circuits.recurrence import Recurrence as Recurrence
    from hwsim.compose.jax_layer import jax_layer as jax_layer
    from hwsim.compose.torch_layer import torch_layer as torch_layer
    from hwsim.core.protocol import ConvergenceError as ConvergenceError
    from hwsim.core.protocol import Drive as Drive
    from hwsim.core.signal import Signal as Signal
    from hwsim.data.narma import narma as narma
    from hwsim.estimators.crossbars import CrossbarClassifier as CrossbarClassifier
    from hwsim.estimators.crossbars import CrossbarRegressor as CrossbarRegressor
    from hwsim.estimators.reservoirs import ReservoirClassifier as ReservoirClassifier
    from hwsim.estimators.reservoirs import ReservoirRegressor as ReservoirRegressor
    from hwsim.experiment.experiment import DataSettings as DataSettings
    from hwsim.experiment.experiment import DeviceSettings as DeviceSettings
    from hwsim.experiment.experiment import Experiment as Experiment
    from hwsim.experiment.experiment import ExperimentError as ExperimentError
    from hwsim.experiment.experiment import SolverSettings as SolverSettings
    from hwsim.experiment.experiment import TrainingSettings as TrainingSettings
    from hwsim.files.raw import DataError as DataError
    from hwsim.importing.from_libraries import from_onnx as from_onnx
    from hwsim.importing.from_libraries import from_sklearn as from_sklearn
    from hwsim.importing.from_libraries import from_torch as from_torch
    from hwsim.importing.imported import ImportedModel as ImportedModel
    from hwsim.importing.layers import ImportingError as ImportingError
    from hwsim.models.fit import FitWarning as FitWarning
    from hwsim.models.fit import fit as fit
    from hwsim.models.fitted_device import fit_device as fit_device
    from hwsim.models.model import Model as Model
    from hwsim.models.named_data import dataset as dataset
    from hwsim.models.named_data import device_presets as device_presets
    from hwsim.models.solving import evaluate as evaluate
    from hwsim.models.solving import solve as solve
    from hwsim.models.stored import load as load
    from hwsim.models.sweeping import run_sweep as run_sweep
    from hwsim.ngspice.ngspice_engine import NgspiceEngine as NgspiceEngine
    from hwsim.ngspice.reading import read_deck as read_deck
    from hwsim.numeric.numeric_engine import NumericEngine as NumericEngine
    from hwsim.session import Session as Session
    from hwsim.settings.energy_settings import EnergySettings as EnergySettings
    from hwsim.settings.reservoir_settings import ReservoirSettings as ReservoirSettings
    from hwsim.settings.variation_settings import NoiseSettings as NoiseSettings
    from hwsim.settings.variation_settings import VariationSettings as VariationSettings
    from netlists.write.writer import write_deck as write_deck

_PLACES = {
    "circuits.chip": ["Chip"],
    "circuits.circuit": ["Circuit"],
    "circuits.errors": ["CircuitError"],
    "circuits.network": ["Amplifier", "ConvolutionLayer", "Layer", "Network", "PoolLayer"],
    "circuits.comparator": ["Comparator"],
    "circuits.ideal_neurons": ["IdealPair", "IdealRectifier"],
    "circuits.junction_neurons": ["DeadZone", "DiodePair", "Rectifier"],
    "circuits.neurons": ["Linear"],
    "circuits.clocked": ["SampleHold"],
    "circuits.recurrence": ["Recurrence"],
    "hwsim.compose.jax_layer": ["jax_layer"],
    "hwsim.compose.torch_layer": ["torch_layer"],
    "hwsim.core.protocol": ["ConvergenceError", "Drive"],
    "hwsim.core.signal": ["Signal"],
    "hwsim.estimators.crossbars": ["CrossbarClassifier", "CrossbarRegressor"],
    "hwsim.experiment.experiment": [
        "DataSettings",
        "DeviceSettings",
        "Experiment",
        "ExperimentError",
        "SolverSettings",
        "TrainingSettings",
    ],
    "hwsim.files.raw": ["DataError"],
    "hwsim.importing.from_libraries": ["from_onnx", "from_sklearn", "from_torch"],
    "hwsim.importing.imported": ["ImportedModel"],
    "hwsim.importing.layers": ["ImportingError"],
    "hwsim.models.fit": ["FitWarning", "fit"],
    "hwsim.models.fitted_device": ["fit_device"],
    "hwsim.models.model": ["Model"],
    "hwsim.models.named_data": ["dataset", "device_presets"],
    "hwsim.models.solving": ["evaluate", "solve"],
    "hwsim.models.stored": ["load"],
    "hwsim.models.sweeping": ["run_sweep"],
    "hwsim.ngspice.ngspice_engine": ["NgspiceEngine"],
    "hwsim.ngspice.reading": ["read_deck"],
    "hwsim.numeric.numeric_engine": ["NumericEngine"],
    "hwsim.estimators.reservoirs": ["ReservoirClassifier", "ReservoirRegressor"],
    "hwsim.settings.reservoir_settings": ["ReservoirSettings"],
    "hwsim.data.narma": ["narma"],
    "hwsim.session": ["Session"],
    "hwsim.settings.energy_settings": ["EnergySettings"],
    "hwsim.settings.variation_settings": ["NoiseSettings", "VariationSettings"],
    "netlists.write.writer": ["write_deck"],
}
"""The public names of each module; the imports above are for type checkers."""

_MODULES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = sorted(_MODULES)  # noqa: PLE0605 - the names are in the table


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _MODULES:
        msg = f"module 'hwsim' has no attribute {name!r}; the public names are {', '.join(__all__)}"
        raise AttributeError(msg)
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
