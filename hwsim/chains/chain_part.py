"""What each block does for a chain, forward and backward, whether it is a circuit or digital layers."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from hwsim.typing import Array, Conductances

if TYPE_CHECKING:
    from hwsim.chains.digital_stack import Mode
    from hwsim.core.protocol import Equilibrium
    from hwsim.learning.rules.estimator import Backward, Draw, EstimatorRule


class ForwardContext(NamedTuple):
    """What a forward of a batch is for.

    Parameters
    ----------
    draw
        What the update draws.
    mode
        Whether it normalises by the batch, and whether an error is to be passed back.
    good
        The samples that settled in the blocks before, (B,), where others are skipped; None: all count.

    """

    draw: "Draw"
    mode: "Mode"
    good: Array | None = None


class ForwardPass(NamedTuple):
    """What a block makes of a batch.

    Parameters
    ----------
    outputs
        Shape (B, K).
    kept
        What its backward needs.
    free
        Its free equilibria; None of digital layers.
    averages
        Running averages after the batch, by name.

    """

    outputs: Array
    kept: Any
    free: "Equilibrium | None" = None
    averages: Mapping[str, Array] = {}


class ChainPart(Protocol):
    """How a block computes and learns. Pure and hashable."""

    @property
    def rules(self) -> "tuple[EstimatorRule, ...]":
        """The learning rule of a circuit; none of digital layers."""
        ...

    def by(self, changed: "Callable[[EstimatorRule], EstimatorRule]") -> Self:
        """Return the block that learns by another rule, if by any."""
        ...

    def forward(self, solver: Any, g: Conductances, x: Array, context: ForwardContext) -> ForwardPass:
        """Return what it makes of inputs x (B, I), with all conductances and digital parameters of the chain; `solver` is its circuit's."""
        ...

    def backward(self, solver: Any, kept: Any, cotangent: Array) -> "Backward":
        """Return the gradients of the summed loss from its derivative by the outputs, dC/dŷ (B, K), and a circuit's phases."""
        ...
