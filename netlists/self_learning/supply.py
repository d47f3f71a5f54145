"""The power that a self-learning circuit takes: what its sources and amplifiers deliver, all memristors and diodes dissipate."""

import re
from collections.abc import Iterable, Iterator

from netlists.measure.power import card_terms

_DELIVERING = "vef"
"""Letters of sources of voltage, and of amplifiers, which have supplies of their own."""

_A_LINE = 20

_KEPT = re.compile(r"@[^ )]+|v\([^)]*\)")


class Supply:
    """What the sources of both twins deliver.

    Parameters
    ----------
    cards
        The cards of the sources of the data and of the circuit; only what delivers counts.
    name
        Of the measured power.

    """

    def __init__(self, cards: Iterable[str], name: str) -> None:
        inputs = [card for card in cards if card.lower().startswith(("b_", "v_", "x_"))]
        self.name = name
        self.terms = [
            term for card in inputs for letter, term in card_terms(card) if letter in _DELIVERING or card.lower().startswith("b_")
        ]

    @property
    def saved(self) -> list[str]:
        """The powers, voltages and currents that are kept."""
        return list(dict.fromkeys(word for term in self.terms for word in _KEPT.findall(term)))

    def commands(self, begin: str, end: str) -> Iterator[str]:
        """Write the commands that print the mean power between two times."""
        yield f"let {self.name} = 0*time"
        for k in range(0, len(self.terms), _A_LINE):
            yield f"let {self.name} = {self.name} - {' - '.join(self.terms[k : k + _A_LINE])}"
        yield f"meas tran {self.name}_mean avg {self.name} from={begin} to={end}"
