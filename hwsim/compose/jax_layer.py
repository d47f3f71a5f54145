"""A circuit as a layer of a JAX model: forward finds the free equilibrium, backward asks a learning rule for the gradient."""

from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from typing import Any

import jax
import jax.numpy as jnp

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.errors import CircuitError
from circuits.network import Network
from circuits.units import Volt
from hwsim.compose.circuit_layer import CircuitLayer
from hwsim.core import blocks
from hwsim.core.protocol import Capability, Drive, UnsupportedCircuitError
from hwsim.learning.readout import EXACT
from hwsim.learning.rules.estimator import Residuals, free_phase
from hwsim.numeric.jax_scope import jax_scope
from hwsim.typing import Array, Conductances

KEPT = 32
"""Most compiled functions of a kind that are kept, the last that were used."""


class JaxLayer(CircuitLayer):
    """A circuit as a function f(g, x) -> ŷ that JAX differentiates in reverse mode; what `jax_layer` returns."""

    def __init__(self, circuit: Network | Circuit | Chip, *, rule: str = "equilibrium-propagation", u: Volt | None = None) -> None:
        super().__init__(circuit, rule=rule, u=u)
        if Capability.TRACEABLE not in self.solver.capabilities:
            msg = f"{self.circuit.name} is not a chain of layers, and no other circuit compiles into a JAX model; torch_layer takes it"
            raise UnsupportedCircuitError(msg)
        self._solve = _differentiable(self.rule, self.solver.traced(newton=True), self.circuit.name)

    def __call__(self, g: Mapping[str, Array], x: Array) -> Array:
        """Return the outputs (..., K) [V] of the free equilibria at conductances g [S] and features x (..., I), in the dtype of x.

        Outputs of a sample that does not settle are NaN, and so are all where a conductance is not positive; `check` names the reason.

        Parameters
        ----------
        g
            By element array (`w1`, `w2` …), in 32 or 64 bits.
        x
            Features; integers become floating-point numbers.

        Raises
        ------
        ValueError
            When shapes or types do not fit the circuit.

        """
        x = jnp.asarray(x)
        x = x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(float)
        if not jnp.issubdtype(x.dtype, jnp.floating):
            raise ValueError(f"x is of type {x.dtype}; {self.circuit.name} takes real numbers")
        flat: Array = self._solve(self._fitting(g), self.rows(x))
        return flat.reshape(*x.shape[:-1], self.outputs)

    def _fitting(self, g: Mapping[str, Array]) -> dict[str, Array]:
        """Return conductances as arrays of JAX, if their names, shapes and types are the circuit's; their values may be unknown yet."""
        wanted = {element.name: element.shape for element in self.circuit.trainable}
        if set(g) != set(wanted):
            names = ", ".join(sorted(g)) or "nothing"
            raise CircuitError(f"{self.circuit.name}: conductances are given for {names}; it has {', '.join(wanted)}")
        arrays = {name: jnp.asarray(g[name]) for name in wanted}
        for name, values in arrays.items():
            if values.shape != wanted[name] or values.dtype not in {jnp.dtype("float32"), jnp.dtype("float64")}:
                msg = (
                    f"{self.circuit.name}: conductances of {name} have shape {values.shape} and type {values.dtype}; it has "
                    f"{wanted[name]}, in float32 or float64"
                )
                raise CircuitError(msg)
        return arrays

    def init(self, seed: int = 0) -> dict[str, Array]:
        """Draw conductances to start from, by element array [S], in JAX's default precision."""
        return {name: jnp.asarray(values) for name, values in self.initial(seed).items()}

    def project(self, g: Mapping[str, Array]) -> dict[str, Array]:
        """Return the conductances within the bounds of their devices that are nearest to g [S]."""
        return {name: jnp.clip(values, *(bound.astype(values.dtype) for bound in self.bounds[name])) for name, values in g.items()}

    def apply_updates(self, g: Mapping[str, Array], updates: Mapping[str, Array]) -> dict[str, Array]:
        """Return g + updates [S], within the bounds: a projected step, in the place of `optax.apply_updates`."""
        return self.project({name: values + updates[name] for name, values in g.items()})

    def check(self, g: Conductances, x: Array) -> None:
        """Solve outside of compiled functions, where what fails has a message.

        Raises
        ------
        CircuitError, ConvergenceError
            Naming the conductance, or the sample and what to try.

        """
        self.solver.solve(g, Drive(self.rows(x)))


def jax_layer(circuit: Network | Circuit | Chip, *, rule: str = "equilibrium-propagation", u: Volt | None = None) -> JaxLayer:
    """Return a circuit as a function f(g, x) -> ŷ for models of JAX, under `jit`, `grad`, `vmap` and `scan`.

    The forward pass finds the free equilibrium. The backward pass compares two nudged ones, or does what another rule does. Both
    compute in 64 bits, whatever the process's precision is. Second derivatives and forward mode raise.

    Parameters
    ----------
    circuit
        A chain of layers: a network, a compiled circuit, or a chip.
    rule
        `equilibrium-propagation`, `richardson`, `small-signal` or `adjoint`.
    u
        By how much a nudge moves the output of a sample's largest error [V]; None: 1 mV.

    Raises
    ------
    ValueError, CircuitError, UnsupportedCircuitError
        When the rule, the nudge or the circuit is none of a layer's.

    Examples
    --------
    >>> import jax
    >>> import hwsim as hw
    >>> layer = hw.jax_layer(hw.Network(inputs=2, outputs=1))
    >>> g, x = layer.init(seed=0), jax.numpy.ones((5, 2))
    >>> layer(g, x).shape
    (5, 1)
    >>> slope = jax.grad(lambda g: layer(g, x).sum())(g)
    >>> g = layer.apply_updates(g, {name: -1e-12 * values for name, values in slope.items()})

    """
    return JaxLayer(circuit, rule=rule, u=u)


def _differentiable(rule: Any, traced: Any, name: str) -> Callable[[dict[str, Array], Array], Array]:
    """Return f(g, x) -> ŷ, whose backward is the rule's, and can be differentiated no further."""
    forward, backward = (_once(program, name) for program in (_forward(traced.bare), _backward(rule, traced.bare)))
    numbers, _ = traced.arguments

    @jax.custom_vjp
    def solve(g: dict[str, Array], x: Array) -> Array:
        outputs: Array = forward(numbers, g, x)[0]
        return outputs

    def solve_forward(g: dict[str, Array], x: Array) -> tuple[Array, Any]:
        outputs, residuals = forward(numbers, g, x)
        return outputs, (g, x, residuals)

    def solve_backward(kept: Any, cotangent: Array) -> Any:
        return backward(numbers, *kept, cotangent)

    solve.defvjp(solve_forward, solve_backward)
    function: Any = solve
    return function  # type: ignore[no-any-return]


@lru_cache(maxsize=KEPT)
def _forward(bare: Any) -> Any:
    """Compile the free phase, which is that of every rule, for all circuits of one structure; the chip's numbers are arguments."""

    def forward(numbers: Any, g: dict[str, Array], x: Array) -> Any:
        outputs, residuals = free_phase(EXACT, bare.holding((numbers, None)), _wide(g), _wide(x))
        valid = jnp.stack([jnp.all((values > 0) & jnp.isfinite(values)) for values in g.values()]).all()
        settled = valid & (residuals.free.result == 0)
        return _or_nan(settled[:, None], outputs).astype(x.dtype), residuals._replace(g={}, x=())

    return jax.jit(forward)


@lru_cache(maxsize=KEPT)
def _backward(rule: Any, bare: Any) -> Any:
    """Compile the backward of a rule for all circuits of one structure."""

    def backward(numbers: Any, g: dict[str, Array], x: Array, residuals: Residuals, cotangent: Array) -> Any:
        given = residuals._replace(g=_wide(g), x=_wide(x))
        gradient = rule.backward(bare.holding((numbers, None)), given, _wide(cotangent))
        settled = jnp.stack([phase.result == 0 for phase in gradient.phases]).all(0)
        dg = {name: _or_nan(settled.all(), values).astype(g[name].dtype) for name, values in blocks.join(gradient.dg).items()}
        return dg, _or_nan(settled[:, None], gradient.dx).astype(x.dtype)

    return jax.jit(backward)


def _wide(values: Any) -> Any:
    return jax.tree.map(lambda array: array.astype(jnp.float64), values)


def _or_nan(settled: Array, values: Array) -> Array:
    return jnp.where(settled, values, jnp.nan)


def _once(program: Any, name: str) -> Any:
    """Return a program that computes in 64 bits and refuses to be differentiated."""

    @jax.custom_jvp
    @wraps(program)
    def once(*arguments: Any) -> Any:
        with jax_scope():
            return program(*arguments)

    @once.defjvp
    def refuse(primals: Any, tangents: Any) -> Any:
        msg = f"{name}: a circuit as a layer has no second derivatives (hessian, grad of grad); its first ones are in reverse mode"
        raise NotImplementedError(msg)

    return once
