"""Many exponential steps at once: how far n of them lead, and what their squares add up to, without taking them one by one.

A step is delta·(1 − y), y = a·exp(start + rate·way). It takes y to y·exp(e·(1 − y)) with e = rate·delta: the map of Ricker 1954. Abel's
function F counts its steps, F after a step is F before it plus 1:

    F = ln(y)/e + ln(1 − y)/ln(1 − e) + e·P(y)

whose first two terms are exact where y is nearly 0 or 1, and P is a series in e. The squares of steps, times rate², are differences of
another one. Both solve their equations order by order: F(y·exp(e·(1 − y))) − F(y) = 1, and (e·(1 − y))² in the place of 1.

XLA works all of it out in one pass, as long as no quotient is needed twice: such it would store.
"""

import math
from typing import Any, NamedTuple

from hwsim.devices.kinds.exponentials import LARGEST, log1p, lost, scaled_exp
from hwsim.typing import Array

_LEAST, _MOST = 1e-9, 1 / 32
"""Of |e|: smaller numbers overflow, and larger ones would take more powers."""

_HUGE = 1e6
"""Most of |y|, whose powers may not overflow."""

_LONGEST = 1e12
"""Most of |y|, and of a step, which goes past any bound, where no series is taken: sums of their squares may not overflow."""

_BENT = 0.26
"""Most of |e|·(1 + |y|) for the series. Where steps shrink towards delta it is less after two of them: f·exp(−f), twice, of any f."""

_ALONE = 2
"""Steps that are taken alone, before the others."""

_CORRECTIONS = 2
"""Steps of Newton's method."""

_FURTHEST = 8.0
"""Most that all steps may raise ln y: what is taken of y then neither overflows nor vanishes."""

_ALMOST_ALL = -1 + 1e-6
"""So nearly do steps vanish, compared with the first, where it is counted how many there are to the bound."""

_COUNTED = (
    (0.0, 1 / 6),
    (0.0, 1 / 24, 1 / 16),
    (0.0, 1 / 40, 11 / 720, 19 / 540),
    (0.0, 3 / 160, 13 / 2880, 2 / 135, 1 / 48),
    (0.0, 173 / 12096, 853 / 120960, -193 / 36288, 5407 / 241920, 41 / 4200),
    (0.0, 275 / 24192, 1499 / 241920, 109 / 72576, -4903 / 483840, 18937 / 604800, 37 / 103680),
    (0.0, 97 / 10368, 16987 / 3628800, 923 / 155520, -77971 / 7257600, -1921 / 9072000, 346037 / 10886400, -18349 / 3175200),
)
"""P: for each power of e the coefficients of the powers of y."""

_SQUARED = (
    (0.0, 1 / 2, -1 / 4),
    (0.0, -1 / 12, 5 / 24, -1 / 9),
    (0.0, 0.0, -1 / 24, 7 / 72, -5 / 96),
    (0.0, 1 / 720, -19 / 1440, 13 / 1080, 23 / 1440, -3 / 200),
)
"""What the sum of squares has besides e·(ln y − y), in the same way, from e² on."""

_GREGORY = (1 / 2, 1 / 12, 1 / 24, 19 / 720, 3 / 160, 863 / 60480, 275 / 24192, 33953 / 3628800)
"""1/ln(1 − e) + 1/e as powers of e. Source: Gregory's coefficients."""


class _Orders(NamedTuple):
    """Powers of e in either series, and terms of exp and ln near 1."""

    counted: int
    squared: int
    grown: int


_ORDERS = {4: _Orders(4, 2, 6), 8: _Orders(7, 4, 13)}
"""By bytes of a number: ways are exact to 1e-5 of the longest step in 64 bits, and in 32 to what rounding leaves of states."""


class Steps(NamedTuple):
    """Steps delta·max(0, 1 − a·exp(start + rate·way)) behind some way; all are numbers, or arrays with one value a device.

    Parameters
    ----------
    delta
        Length of a step where the exponential is 0 [share of the range], as every way is.
    a, start, rate
        Of the exponential; `rate` is over a way.

    """

    delta: Array
    a: Array
    start: Array
    rate: Array

    def one(self, way: Array) -> Array:
        """Return the length of the step behind a way."""
        longest = self.delta - scaled_exp(self.delta * self.a, self.start + self.rate * way, _LONGEST)
        return longest.__array_namespace__().where(longest > 0, longest, 0.0)

    def many(self, k: Array, room: Array) -> tuple[Array, Array]:
        """Take k steps; return the way that they lead, and the sum of their squares, or 0 and −1 where the series do not hold.

        The way ends at `room`: steps that are left are as long as the one from there, and lead nowhere.

        Parameters
        ----------
        k
            Whole numbers that are not negative, one a device, in the precision of the result.
        room
            How far the bound is, not negative.

        """
        xp = k.__array_namespace__()
        e, y, u_bound = self.rate * self.delta, scaled_exp(self.a, self.start, _LONGEST), self.rate * room
        fine = (xp.abs(e) > _LEAST) & (xp.abs(e) < _MOST) & (y * e >= 0) & (u_bound < _FURTHEST) & (e * k < LARGEST)
        moves = fine & (y < 1)
        e, y, u_bound = xp.where(moves, e, _MOST), xp.where(moves, y, 0.0), xp.where(moves, u_bound, 0.0)
        u, squares = 0.0 * y, 0.0 * y
        for j in range(_ALONE):
            f = xp.where(j < k, e - e * y, 0.0)
            before, u = u, xp.where(xp.abs(u + f) < xp.abs(u_bound), u + f, u_bound)
            y, squares = y - y * (lost(u - before) if j == 0 else _lost(u - before)), squares + f * f
        bent, at_bound = (xp.abs(e) * (1 + xp.abs(y)) > _BENT) | (xp.abs(y) > _HUGE), xp.abs(u) >= xp.abs(u_bound)
        fine = (fine & (~bent | at_bound | (k <= _ALONE))) | (k == 0)
        rest = _Rest(e, xp.where(bent, 0.0, y), xp.maximum(k - _ALONE, 0.0))
        ahead, end = rest.all(), u_bound - u
        growth = -lost(end)
        stopped, f_bound = xp.abs(ahead.u) > xp.abs(end), e - e * y * (1 + growth)
        over = xp.where(stopped, rest.over(end, growth), 0.0)
        risen, grown = xp.where(stopped, end, ahead.u), xp.where(stopped, rest.y * growth, ahead.grown)
        squares = squares + rest.squares(risen, grown) + over * f_bound * f_bound
        moves = fine & moves
        delta = xp.where(moves, self.delta, 0.0)
        way = xp.where(moves & stopped, room, delta * (u + risen) / e)
        return way, xp.where(fine, xp.where(squares > 0, delta * delta * squares / (e * e), 0.0), -1.0)


class _Place(NamedTuple):
    """By how much ln y has risen, u, and by how much y has grown."""

    u: Array
    grown: Array


class _Rest(NamedTuple):
    """k steps from y without a bound."""

    e: Array
    y: Array
    k: Array

    def all(self) -> _Place:
        """Begin with what steps of no length would do, y/(1 − y) growing by exp(e) each, and correct it by Newton's method."""
        e, t = self.e, self.e * self.k
        share = self.y * -lost(t)
        rise = -log1p(share)  # of ln(1 − y)
        grown, u = share * ((1 - self.y) / (1 + share)), t + rise
        y, gregory = self.y + grown, _powers(_GREGORY, e)
        p = self._p(y)
        missed, inverse = rise * gregory + e * (p - self._p(self.y)), gregory - 1 / e
        for again in range(_CORRECTIONS, 0, -1):
            slope = 1 - e * gregory * y  # of F, times e·(1 − y)
            du = (y - 1) * (missed * e / slope)
            growth = 1 + du * (1 / 2 + du * (1 / 6 + du * (1 / 24 + du / 120)))  # (exp(du) − 1)/du
            risen = growth * (y * missed * e / slope)  # of 1 − y, as a share
            u, grown, y = u + du, grown + y * du * growth, y + y * du * growth
            if again > 1:
                before, p = p, self._p(y)
                missed = missed + du / e + _rise(risen) * inverse + e * (p - before)
        return _Place(u, grown)

    def over(self, u: Array, growth: Array) -> Array:
        """Return how many of the k steps are left where ln y has risen by u, and y by a share `growth`: without P, to some e of a step."""
        xp, e = self.e.__array_namespace__(), self.e
        rise = log1p(xp.maximum(-self.y / (1 - self.y) * growth, _ALMOST_ALL))
        return xp.maximum(self.k - (u - rise + e * rise * _powers(_GREGORY, e)) / e, 0.0)

    def squares(self, u: Array, grown: Array) -> Array:
        """Return the sum of the squares of the steps, times rate², by which ln y has risen by u and y has grown."""
        e, terms = self.e, _SQUARED[: self._orders.squared]
        return e * (u - grown + e * (_series(terms, e, self.y + grown) - _series(terms, e, self.y)))

    @property
    def _orders(self) -> _Orders:
        return _ORDERS[self.e.dtype.itemsize]

    def _p(self, y: Array) -> Array:
        return _series(_COUNTED[: self._orders.counted], self.e, y)


def _lost(u: Array) -> Array:
    """Return 1 − exp(u) of what one step raises ln y by."""
    return -u * _powers(tuple(1 / math.factorial(j + 1) for j in range(_ORDERS[u.dtype.itemsize].grown)), u)


def _rise(share: Array) -> Array:
    """Return ln(1 + share) of a small share."""
    return share * _powers(tuple((-1) ** j / (j + 1) for j in range(_ORDERS[share.dtype.itemsize].grown)), share)


def _series(polynomials: tuple[tuple[float, ...], ...], e: Array, y: Array) -> Array:
    """Return the sum of e^j·(the j-th polynomial of y)."""
    total: Any = 0.0
    for polynomial in reversed(polynomials):
        total = total * e + _powers(polynomial, y)
    return total


def _powers(coefficients: tuple[float, ...], y: Array) -> Array:
    total: Any = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = total * y + coefficient
    return total
