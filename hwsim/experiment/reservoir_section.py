"""The section `reservoir` of an experiment: a drawn circuit, or a user's deck whose nodes with capacitors are the states."""

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, PositiveFloat, SerializerFunctionWrapHandler, model_serializer

from circuits.errors import CircuitError
from circuits.units import Second
from hwsim.experiment.netlist_circuit import Netlist, read_for
from hwsim.settings.reservoir_settings import ReservoirSettings

if TYPE_CHECKING:
    from netlists.deck import Deck

_OF_DECKS = frozenset({"deck", "period", "nodes", "dynamics", "noise", "reads", "washout", "seed", "v_bias", "g_low", "g_high"})
"""Keys about a deck as well: how it is driven and read; v_bias, g_low and g_high are of a read-out on devices."""

_SETTLED: dict[str, Any] = {"nodes": None, "dynamics": "continuous"}
"""Keys that follow from a deck: the number of its states, and how they move."""


class DrivenDeck(Netlist):
    """A user's deck that data drive in time: its input sources carry a row after the other, and nothing in it learns.

    Parameters
    ----------
    netlist
        Its path, in an experiment file from that file's folder.
    trainable, inputs, outputs
        The trainable, input and output elements, in the words of a `*hwsim:` comment; they stand in the place of the deck's own.
    dialect
        Whose language the deck is in; auto: that of the program by which it is recognized to be exported, or ngspice's.

    """

    @property
    def deck(self) -> "Deck":
        """The deck, read to be simulated.

        Raises
        ------
        NetlistError
            When it cannot be read, or does not declare inputs and outputs.

        """
        with read_for("simulate"):
            deck: Deck = Netlist.deck.fget(self)  # type: ignore[attr-defined] # a property
            return deck


class ReservoirSection(ReservoirSettings):
    """A recurrent circuit with drawn conductances, or a deck, that the data drive, one row of inputs after the other.

    Parameters
    ----------
    deck
        A user's deck in the place of a drawn circuit: the voltages of its nodes with capacitors are the states, and its own inputs take the
        data in volts, times `scale=`. The numeric engine integrates it where it knows all of its parts, and otherwise ngspice does.
    period
        How long a row drives the deck [s].

    """

    deck: DrivenDeck | None = None
    period: Annotated[Second, PositiveFloat, Field(le=1e6)] | None = None

    def _checked(self) -> Self:
        if self.deck is None:
            if self.period is not None:
                msg = f"period = {self.period:g} s is of a deck, and there is none; set leak, which a drawn reservoir's rows follow from"
                raise ValueError(msg)
            return super()._checked()
        fields = type(self).model_fields
        if idle := [key for key in fields if key not in _OF_DECKS and getattr(self, key) != fields[key].default]:
            msg = f"{idle[0]} = {getattr(self, idle[0])!r} is of drawn reservoirs, and deck names one that is not drawn; omit it"
            raise ValueError(msg)
        if self.period is None:
            msg = "period is missing: how long each row of the data drives the deck, in seconds"
            raise ValueError(msg)
        from hwsim.core.transient import state_groups  # noqa: PLC0415 - only for those who name a deck

        try:
            nodes = sum(map(len, state_groups(self.deck.deck.circuit, between=True)))
        except CircuitError as error:
            msg = f"deck: {str(error).partition(';')[0]}; its states are the voltages of capacitors, add some"
            raise ValueError(msg) from None
        if "nodes" in self.model_fields_set and self.nodes != nodes:
            msg = f"nodes = {self.nodes}, and the deck has {nodes} with capacitors; omit it"
            raise ValueError(msg)
        if "dynamics" in self.model_fields_set and self.dynamics != _SETTLED["dynamics"]:
            msg = f"dynamics = {self.dynamics!r}, and a deck is followed all the time; omit it"
            raise ValueError(msg)
        for key, value in (_SETTLED | {"nodes": nodes}).items():
            object.__setattr__(self, key, value)
        return self

    @model_serializer(mode="wrap")
    def _dumped(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what follows from the deck, so that another one may be named."""
        table: dict[str, Any] = dump(self)
        return table if self.deck is None else {key: value for key, value in table.items() if key not in _SETTLED}
