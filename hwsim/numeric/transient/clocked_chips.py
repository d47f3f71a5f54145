"""Many chips of one clocked circuit: their runs are one compiled computation, mapped over what differs between them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from hwsim.core.signal import Signal
from hwsim.core.transient import initial_states
from hwsim.numeric.jax_scope import jax_scope
from hwsim.numeric.transient.clocked import refuse_unsettled, run_clocks
from hwsim.numeric.transient.clocked_form import ClockedForm
from hwsim.numeric.transient.sequence_problem import driven_by, ode_of
from hwsim.typing import Conductances, Floats


@jax_scope()
def integrate_chips(circuit: Circuit, chips: Sequence[tuple[Chip, Conductances]], signal: Signal, groups: Sequence[str]) -> list[Floats]:
    """Run a batch of sequences from 0 V on in each chip, and return the states of node groups, one after the other, (B, T, n) [V] a chip.

    Raises
    ------
    CircuitError, UnsupportedCircuitError, ConvergenceError
        As `Transient.integrate`.

    """
    signal = signal.checked(circuit)
    forms = [ClockedForm.of(circuit, chip, g, signal.push.beta) for chip, g in chips]
    parts: Any = [(ode_of(one.form), driven_by(one.form, signal), one.holding) for one in forms]
    stacked = jax.tree.map(lambda *each: np.stack(each), *parts)
    begin = initial_states(circuit, None, len(signal.x))[:, forms[0].nodes], None
    x = np.moveaxis(signal.x, 1, 0)
    came = _mapped(stacked, begin, x, dense=any(one.dense for one in forms))
    refuse_unsettled(circuit, np.asarray(came.end), float(jnp.max(came.off)))
    kept = np.searchsorted(forms[0].nodes, np.concatenate([circuit.nodes(name) for name in groups]))
    return list(np.asarray(came.states)[:, :, :, kept].transpose(0, 2, 1, 3))


@partial(jax.jit, static_argnames=("dense",))
def _mapped(stacked: Any, begin: Any, x: Any, *, dense: bool) -> Any:
    def one(of: Any) -> Any:
        return run_clocks(*of, begin, x, None, dense=dense, again=False, fold=None)

    return jax.vmap(one)(stacked)
