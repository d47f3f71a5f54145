"""What stays the same while a layered circuit is solved: its stages, its tolerance and how long a search may take."""

from typing import NamedTuple

from circuits.circuit import Circuit
from hwsim.core.protocol import Equilibrium
from hwsim.numeric.layered.layers import LayerState
from hwsim.numeric.layered.stage import Stage


class LayeredProblem(NamedTuple):
    """A layered circuit and how finely it is solved.

    Parameters
    ----------
    share
        The tolerance as a share of the largest voltage.
    max_steps
        Most sweeps over the layers, and most steps of Newton's method.

    """

    circuit: Circuit
    stages: tuple[Stage, ...]
    share: float
    max_steps: int

    def state(self, equilibrium: Equilibrium) -> LayerState:
        """Return the voltages of the free nodes of an equilibrium, stage by stage."""
        columns = tuple(equilibrium.at(self.circuit, stage.columns) for stage in self.stages)
        behind = tuple(None if stage.behind is None else equilibrium.at(self.circuit, stage.behind) for stage in self.stages)
        return LayerState(columns, behind)
