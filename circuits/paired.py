"""Lines in pairs: rows with their negatives, and columns with their twins."""

from typing import NamedTuple

from circuits.outer import Array


class Paired(NamedTuple):
    """Lines in pairs: number (place·2 + side)·lines + line; side 1 holds the negatives, or twins, of side 0."""

    places: int
    lines: int

    @property
    def size(self) -> int:
        """Lines of one side."""
        return self.places * self.lines

    def split(self, v: Array) -> tuple[Array, Array]:
        """Return both sides of values (…, 2·size), each (…, size)."""
        sides = v.reshape(*v.shape[:-1], self.places, 2, self.lines)
        plain, negative = (sides[..., k, :].reshape(*v.shape[:-1], self.size) for k in (0, 1))
        return plain, negative

    def joined(self, sides: tuple[Array, Array]) -> Array:
        """Return the values (…, 2·size) of both sides: the inverse of `split`."""
        apart = [side.reshape(*side.shape[:-1], self.places, self.lines) for side in sides]
        stacked = apart[0].__array_namespace__().stack(apart, axis=-2)
        return stacked.reshape(*sides[0].shape[:-1], 2 * self.size)
