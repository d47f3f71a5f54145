"""The structure of a deck: amplifiers where controlled sources make some, and layers, which engines solve faster."""

from circuits.circuit import Circuit
from hwsim.core.protocol import UnsupportedCircuitError
from hwsim.experiment.deck_amplifiers import with_amplifiers
from hwsim.experiment.deck_layers import with_layers
from hwsim.numeric.layered.recognize import stages
from netlists.deck import Deck, with_text


def structured(deck: Deck) -> Deck:
    """Describe a deck by amplifiers where controlled sources make some, and by layers where it is a chain of them."""
    if _is_layered(deck.circuit):
        return deck
    deck = with_amplifiers(deck)
    layered = with_layers(deck)
    return with_text(deck if layered is None or not _is_layered(layered.circuit) else layered)


def _is_layered(circuit: Circuit) -> bool:
    try:
        stages(circuit)
    except UnsupportedCircuitError:
        return False
    return True
