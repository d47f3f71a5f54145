"""Durations are read with their units, and nothing else is."""

import pytest

from hwsim.settings.durations import UNITS, seconds, spelled


@pytest.mark.parametrize(
    ("text", "wanted"), [("20s", 20.0), ("5 min", 300.0), ("1.5h", 5400.0), ("30d", 2_592_000.0), ("1e1y", 315_576_000.0), ("0s", 0.0)]
)
def test_a_number_and_a_unit_are_seconds(text: str, wanted: float) -> None:
    """A year has 365.25 days."""
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["30", "-3d", "1e400y", "nan", "nand", "infd", "d", "", "1..2d", "3 weeks", "3m", "1d2h", "０d"])
def test_anything_else_is_refused(text: str) -> None:
    """In words that name the units."""
    with pytest.raises(ValueError, match=r"should be a finite number, not negative, and a unit \(s, min, h, d, y\), such as 30d"):
        seconds(text)


@pytest.mark.parametrize("unit", UNITS)
def test_what_is_spelled_reads_back(unit: str) -> None:
    """In the largest unit that fits."""
    assert spelled(2 * UNITS[unit]) == f"2 {unit}"
    assert seconds(spelled(2 * UNITS[unit])) == 2 * UNITS[unit]
