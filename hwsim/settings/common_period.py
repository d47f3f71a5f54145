"""Two sines that soon begin again together: after so many periods of the one, and so many of the other."""

from fractions import Fraction

from circuits.units import Hertz

MOST = 8
"""Periods of either after which two sines begin again together, at most."""

_SAME = 1e-9
"""Share by which a ratio of frequencies may be off that of whole numbers: decimals round."""


def cycles(input_frequency: Hertz, frequency: Hertz) -> tuple[int, int]:
    """Return after how many of their periods the sines of inputs and of an error begin again together.

    Raises
    ------
    ValueError
        When that takes too many of either, or both frequencies are the same.

    """
    ratio = Fraction(input_frequency / frequency).limit_denominator(MOST)
    exact = abs(float(ratio) * frequency - input_frequency) <= _SAME * input_frequency
    if not exact or ratio.numerator > MOST or ratio == 1:
        msg = (
            f"input_frequency = {input_frequency:g} Hz and frequency = {frequency:g} Hz have no ratio of two different whole numbers up to "
            f"{MOST}, such as 2:3; choose two that have one, so that both sines soon begin again together"
        )
        raise ValueError(msg)
    return ratio.numerator, ratio.denominator
