"""The form of clocked circuits: what settles in a phase, and the recursion of the states that are held.

    0 = H·p + F·(x, s) + h − D·i(p),     s ← s + a·(gain·p − s),     a = c_sample/(c_sample + c_hold)

`s` are the states that are held, `p` the nodes that settle within a phase while inputs `x` and states stay. Where a node has a pair of
diodes and a sum G of conductances, p = S(W·s + W_x·x + b), the inverse of G·p + i(p): the leaky echo-state network of Jaeger et al. 2007,
Neural Netw. 20, 335, with S for the hyperbolic tangent. Where the hold has bits, a = 1 and states are rounded, as in the integer echo-state
network of Kleyko et al. 2020, IEEE Trans. Neural Netw. Learn. Syst. 33, 1688.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import jax.numpy as jnp
import numpy as np

from circuits.capacitors import moving_nodes
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.clocked import clocked_states
from circuits.elements import Capacitors, Diodes, InputSources
from circuits.nodes import GROUND, Nodes
from hwsim.core.transient import state_nodes
from hwsim.numeric.transient.sequence_problem import ode_of
from hwsim.numeric.transient.state_form import StateForm
from hwsim.numeric.transient.steps import diagonal_suffices
from hwsim.typing import Array, Conductances, Floats

_SETTLING = "settling_in_a_phase"
"""Name of the stand-ins for capacitors, whose value has no effect."""


class Holding(NamedTuple):
    """How N states follow what settles: s ← s + share·(gain·p[control] − s), rounded by converters where there are any.

    Parameters
    ----------
    control
        Where each state's control is, shape (N,).
    gain, share
        Of each state, shape (N,).
    step
        Of each state's converter, shape (N,) [V]; 0: there is none.
    top
        The most steps that it passes on, shape (N,).

    """

    control: Array
    gain: Array
    share: Array
    step: Array
    top: Array

    def rounded(self, s: Array) -> Array:
        """Return what converters make of states (B, N) [V]."""
        step = jnp.where(self.step > 0, self.step, 1.0)
        return jnp.where(self.step > 0, (s / step).round().clip(-self.top, self.top) * step, s)


@dataclass(frozen=True, slots=True)
class ClockedForm:
    """A clocked circuit on a chip with conductances.

    Parameters
    ----------
    nodes
        The states' node numbers, shape (N,).
    form
        What settles in a phase, whose features are the inputs and then the states; its capacitances mean nothing.
    holding
        How states follow what settles.
    noise
        Of the switches: by what to multiply √(k·T) for the standard deviation of what each clock adds to a state, shape (N,) [1/√F].

    """

    nodes: Nodes
    form: StateForm
    holding: Holding
    noise: Floats

    @classmethod
    def of(cls, circuit: Circuit, chip: Chip, g: Conductances, beta: float = 0.0) -> Self:
        """Cut a circuit at its clocked states.

        Raises
        ------
        UnsupportedCircuitError, CircuitError
            As `StateForm.of`.

        """
        holds, nodes = clocked_states(circuit), state_nodes(circuit)
        cut, on_chip = _cut(circuit, chip, nodes)
        form = StateForm.of(cut, on_chip, g, beta)
        order = np.argsort(np.concatenate([one.plus for one in holds]))
        c_sample, c_hold, gain = (np.concatenate([chip(one.name, what) for one in holds])[order] for what in ("c_sample", "c_hold", "gain"))
        control = np.concatenate([one.control_plus for one in holds])[order]
        most = [2.0 ** (one.bits - 1) - 1.0 if one.bits else 0.0 for one in holds]
        steps = [one.full_scale / top if top else 0.0 for one, top in zip(holds, most, strict=True)]
        step, top = (np.repeat(values, [len(one) for one in holds])[order] for values in (steps, most))
        share = c_sample / (c_sample + c_hold)
        holding = Holding(np.searchsorted(form.nodes, control), gain, share, step, top)
        return cls(nodes, form, holding, _switch_noise(c_sample, c_hold))

    @property
    def dense(self) -> bool:
        """Whether nodes that settle are coupled so strongly that their whole Jacobian is needed."""
        return not diagonal_suffices(ode_of(self.form), np.inf)

    @property
    def linear_weights(self) -> Floats:
        """How states follow states where no diode conducts, shape (N, N): row i is what flows into state i. For a column, A·ΔR/G."""
        inputs = self.form.charging.of_x.shape[1] - len(self.nodes)
        settled = np.linalg.solve(-self.form.charging.of_v, self.form.charging.of_x[:, inputs:])
        weights: Floats = self.holding.gain[:, None] * settled[self.holding.control]
        return weights


def _cut(circuit: Circuit, chip: Chip, nodes: Nodes) -> tuple[Circuit, Chip]:
    """Return the circuit with sources of the data in the places of its holds; what settles has stand-ins for capacitors."""
    holds = clocked_states(circuit)
    gone = {one.name for one in holds}
    kept = [element for element in circuit.elements if element.name not in gone]
    states = InputSources(name=holds[0].name, plus=nodes, feature=circuit.input_count + np.arange(len(nodes)))
    bare = replace(circuit, elements=(*kept, states), blocks=(), text=None)
    ends = [end for diodes in circuit.of(Diodes) for end in diodes.ends]
    settling = np.intersect1d(np.concatenate([*ends, *(one.control_plus for one in holds)]), moving_nodes(bare))
    cut = replace(bare, elements=(*bare.elements, Capacitors(name=_SETTLING, a=settling, b=GROUND, c=1.0)))
    return cut, replace(chip, circuit=cut, values={name: values for name, values in chip.values.items() if name not in gone})


def _switch_noise(c_sample: Floats, c_hold: Floats) -> Floats:
    """Return the root of the variance that a clock adds to each state, a share of k·T [1/√F].

    The first switch leaves k·T/c_sample on the sample, of which the state takes a²; the second leaves
    k·T·c_sample/(c_hold·(c_sample + c_hold)). Without a capacitor that holds, a buffer passes the sample on to an equal one. Of states
    that settle, k·T/c_hold is left, as of any capacitor.
    """
    share = c_sample / (c_sample + c_hold)
    second = np.where(c_hold > 0, share / np.where(c_hold > 0, c_hold, 1.0), 1.0 / c_sample)
    return np.sqrt(share**2 / c_sample + second)
