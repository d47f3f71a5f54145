"""The short form of round_trip.py: random circuits come back, and what does not is reported."""

from dataclasses import replace

from hwsim.numeric.general.general_solver import GeneralEngine
from torture import round_trip
from torture.round_trip import compared, randoms


def test_random_circuits_come_back_from_their_decks():
    """Networks at the extremes and circuits of any elements: the same circuit, the same conductances, the same voltages."""
    report = [compared(sample, GeneralEngine()) for sample in randoms(3, 12)]
    assert [one.wrong for one in report] == [""] * len(report)
    apart = [one.apart for one in report if one.apart is not None]
    assert len(apart) >= 6
    assert max(apart) <= round_trip.ALLOWED


def test_what_comes_back_changed_is_reported(monkeypatch):
    """A conductance that lost its last digit, a feature that moved."""
    (sample,) = randoms(3, 1)
    read = round_trip.parse

    def worn(text):
        deck = read(text)
        return replace(deck, g={name: g * (1 + 1e-15) for name, g in deck.g.items()}, x=deck.x + 1.0)

    monkeypatch.setattr(round_trip, "parse", worn)
    wrong = compared(sample, GeneralEngine()).wrong
    assert "g of w1" in wrong
    assert wrong.endswith("x")
