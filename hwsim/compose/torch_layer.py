"""A circuit as a layer of a PyTorch model. PyTorch is optional: it loads when a layer is made."""

from typing import TYPE_CHECKING

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.network import Network
from circuits.units import Volt

if TYPE_CHECKING:
    from hwsim.compose.torch_module import TorchLayer


def torch_layer(
    circuit: Network | Circuit | Chip, *, rule: str = "equilibrium-propagation", u: Volt | None = None, seed: int = 0
) -> "TorchLayer":
    """Return a circuit as a `torch.nn.Module` f(x) -> ŷ, whose parameters are the conductances.

    The forward pass finds the free equilibrium, the backward pass does what the rule does, on the CPU and in 64 bits; tensors come
    back in the type and on the device of x. Second derivatives raise. After each step of an optimizer, `layer.project_()` brings the
    conductances back within the bounds of their devices.

    Parameters
    ----------
    circuit
        A network, a compiled circuit, or a chip, with layers or without.
    rule
        `equilibrium-propagation`, `richardson`, `small-signal` or `adjoint`.
    u
        By how much a nudge moves the output of a sample's largest error [V]; None: 1 mV.
    seed
        From which the initial conductances are drawn.

    Raises
    ------
    ImportError
        When PyTorch is not installed.
    ValueError, CircuitError, UnsupportedCircuitError
        When the rule, the nudge or the circuit is none of a layer's.

    Examples
    --------
    >>> import hwsim as hw
    >>> layer = hw.torch_layer(hw.Network(inputs=2, outputs=1))  # doctest: +SKIP
    >>> layer(torch.ones(5, 2)).shape  # doctest: +SKIP
    torch.Size([5, 1])

    """
    try:
        import torch  # noqa: F401, PLC0415 - optional
    except ModuleNotFoundError:
        msg = "torch_layer needs PyTorch, which is not installed: pip install torch"
        raise ImportError(msg) from None
    from hwsim.compose.torch_module import TorchLayer  # noqa: PLC0415 - needs PyTorch

    return TorchLayer(circuit, rule=rule, u=u, seed=seed)
