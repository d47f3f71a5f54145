"""The module of PyTorch that a circuit is; only `torch_layer` loads this file."""

from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.network import Network
from circuits.units import Volt
from hwsim.compose.circuit_layer import CircuitLayer
from hwsim.typing import Floats


class TorchLayer(torch.nn.Module):  # type: ignore[misc] # PyTorch may be absent
    """A circuit as a module: x (..., I) to outputs (..., K) [V].

    Parameters
    ----------
    circuit, rule, u
        As `CircuitLayer`'s.
    seed
        From which the initial conductances are drawn.

    """

    def __init__(self, circuit: Network | Circuit | Chip, *, rule: str, u: Volt | None, seed: int) -> None:
        super().__init__()
        self.layer = CircuitLayer(circuit, rule=rule, u=u)
        drawn = self.layer.initial(seed)
        dtype = torch.get_default_dtype()
        self.g = torch.nn.ParameterDict({name: torch.nn.Parameter(torch.tensor(values, dtype=dtype)) for name, values in drawn.items()})
        """Conductances by element array [S]."""

    def forward(self, x: Any) -> Any:
        """Return the outputs (..., K) [V] of the free equilibria at features x (..., I).

        Raises
        ------
        CircuitError, ConvergenceError
            When a conductance is not positive, or a sample does not settle.
        ValueError
            When x has another number of features.

        """
        names = tuple(self.layer.bounds)
        return _Solve.apply(self.layer, names, x, *(self.g[name] for name in names))

    def project_(self) -> None:
        """Bring the conductances within the bounds of their devices, in place: to be called after each step of an optimizer."""
        with torch.no_grad():
            for name, (low, high) in self.layer.bounds.items():
                self.g[name].clamp_(torch.tensor(low).to(self.g[name]), torch.tensor(high).to(self.g[name]))


class _Solve(torch.autograd.Function):  # type: ignore[misc] # PyTorch may be absent
    """ŷ = f(g, x) of a circuit."""

    @staticmethod
    def forward(ctx: Any, layer: CircuitLayer, names: tuple[str, ...], x: Any, *g: Any) -> Any:
        """Find the free equilibria."""
        outputs, residuals = layer.forward(dict(zip(names, map(_array, g), strict=True)), _array(x))
        ctx.layer, ctx.names, ctx.residuals = layer, names, residuals
        ctx.like = x.detach(), tuple(values.detach() for values in g)
        return torch.as_tensor(outputs).to(x)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator,unused-ignore]
    def backward(ctx: Any, cotangent: Any) -> Any:
        """Return the gradients by x and by the conductances."""
        dg, dx = ctx.layer.backward(ctx.residuals, _array(cotangent))
        x, g = ctx.like
        return None, None, torch.as_tensor(dx).to(x), *(torch.as_tensor(dg[name]).to(of) for name, of in zip(ctx.names, g, strict=True))


def _array(tensor: Any) -> Floats:
    return np.asarray(tensor.detach().cpu().to(torch.float64).numpy())
