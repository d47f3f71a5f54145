"""Parts whose laws only ngspice knows: the numeric engine refuses them by their kind."""

from circuits.circuit import Circuit
from circuits.passed import Passed
from circuits.quoting import quote_all
from hwsim.core.protocol import UnsupportedCircuitError

_KINDS = {
    "b": "behavioural sources",
    "d": "diodes beyond the junction's law",
    "e": "sources of more than one voltage",
    "f": "sources of more than one current",
    "g": "sources of more than one voltage",
    "h": "sources of more than one current",
    "j": "JFETs",
    "m": "MOSFETs",
    "q": "bipolar transistors",
    "r": "resistors of no positive resistance",
    "s": "switches",
    "w": "switches",
    "z": "MESFETs",
}


def refuse_unknown(circuit: Circuit) -> None:
    """Refuse a circuit with such parts.

    Raises
    ------
    UnsupportedCircuitError
        Naming them.

    """
    passed = [element for element in circuit.elements if isinstance(element, Passed)]
    if passed:
        unknown = "; ".join(f"{quote_all(element.cards)} ({_kind(element)})" for element in passed)
        msg = f"{circuit.name}: the numeric engine does not know the laws of {unknown}; use --engine ngspice"
        raise UnsupportedCircuitError(msg)


def _kind(element: Passed) -> str:
    """Name what parts are, and the parameters that are in the way, where others of the kind are solved."""
    kind = _KINDS.get(element.letter, "other parts")
    return f"{kind}: {', '.join(element.beyond)}" if element.beyond else kind
