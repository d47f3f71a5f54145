"""The conductances of a device of few levels, evenly spaced or by equal ratios, and the one that a wanted conductance gets. Pure."""

from typing import NamedTuple

from hwsim.typing import Array

NEAREST = 0.5
"""In place of uniform numbers: a device takes the nearer of the two levels around what is wanted."""


class LevelScale(NamedTuple):
    """Levels number 0 … `last` between `low` and `high` [S]: numbers, or one value a device."""

    low: Array
    high: Array
    last: Array
    logarithmic: bool = False

    def conductance(self, n: Array) -> Array:
        """Return the conductances of levels number n [S]; the first and the last are `low` and `high` themselves."""
        share = n / self.last
        if self.logarithmic:
            return self.low ** (1 - share) * self.high**share
        return self.low * (1 - share) + self.high * share

    def number(self, g: Array, uniform: Array | float = NEAREST) -> Array:
        """Return the numbers of the levels that conductances g [S] are rounded to, as real numbers.

        Rounded up where the way from the level below to the one above has been done by more than `uniform`; with uniform numbers from 0
        to 1 the mean conductance is g itself.

        Source: Courbariaux et al. 2015, "BinaryConnect", for two levels.
        """
        xp = g.__array_namespace__()
        inside = xp.clip(g, self.low, self.high)
        below = xp.clip(xp.floor(self._position(inside)), 0, self.last - 1)
        start, end = self.conductance(below), self.conductance(below + 1)
        return (below + (inside - start > uniform * (end - start))).astype(g.dtype)

    def _position(self, g: Array) -> Array:
        """Return the level numbers of conductances [S], not rounded; of devices with a single conductance 0."""
        xp = g.__array_namespace__()
        if self.logarithmic:
            range_, part = xp.log(self.high / self.low), xp.log(g / self.low)
        else:
            range_, part = xp.asarray(self.high - self.low), g - self.low
        return self.last * part / xp.where(range_ > 0, range_, 1.0)
