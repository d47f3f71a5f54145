"""Experiment: all that a run depends on, and its checks: circuit, data, training, solver."""

from typing import Self

from pydantic import Field, model_validator

from circuits.network import Network
from hwsim.settings import DataSettings, EngineName, Reached, Section, SolverSettings, TrainingSettings

__all__ = ["DataSettings", "EngineName", "Experiment", "ExperimentError", "Reached", "SolverSettings", "TrainingSettings"]

BUILT_IN = {
    "xor": (2, 2),
    "iris": (4, 3),
    "wine": (13, 3),
    "breast-cancer": (30, 2),
    "digits": (64, 10),
    "mnist": (784, 10),
    "fashion-mnist": (784, 10),
}
"""Features and classes of the data sets that have a name."""


class ExperimentError(ValueError):
    """An experiment that cannot be read or is wrong; the message names file, key, value and remedy."""


class Experiment(Section):
    """One experiment, complete: the same experiment gives the same numbers.

    Parameters
    ----------
    name
        What the run's folder and the netlist are called; by default the file's name.
    about
        A line for people.
    circuit
        The network that is compiled to a circuit.
    data, training, solver
        What it learns, how it learns, and how it is solved.
    reached
        What it is known to reach; nothing is computed from it.

    """

    name: str = Field(default="experiment", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    about: str = ""
    circuit: Network
    data: DataSettings
    training: TrainingSettings = TrainingSettings()
    solver: SolverSettings = SolverSettings()
    reached: Reached | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        crossbars = len(self.circuit.layers) + 1
        for key, given in (("rate", self.training.rates(crossbars)), ("g_init", self.training.initial_ranges(crossbars))):
            if len(given) != crossbars:
                msg = f"training.{key} has {len(given)} entries for {crossbars} crossbars; give one, or one a crossbar"
                raise ValueError(msg)
        if self.data.name in BUILT_IN:
            self.check_sizes(*BUILT_IN[self.data.name])
        return self

    def check_sizes(self, features: int, classes: int) -> None:
        """Refuse data that do not fit the circuit's inputs and outputs.

        Raises
        ------
        ExperimentError
            Naming the key of the circuit to change.

        """
        if self.circuit.inputs != features:
            msg = f"circuit.inputs = {self.circuit.inputs}, but data {self.data.name} have {features} features; set it to {features}"
            raise ExperimentError(msg)
        if self.circuit.outputs != classes and (self.circuit.outputs, classes) != (1, 2):
            right = "2, or 1" if classes == 2 else str(classes)  # noqa: PLR2004 - a pair of classes also fits on one output
            msg = f"circuit.outputs = {self.circuit.outputs}, but data {self.data.name} have {classes} classes; set it to {right}"
            raise ExperimentError(msg)
