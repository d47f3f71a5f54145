"""Discrete: devices of a few levels each, which a digital memory rounds to, or which change level once a step alone is large enough."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from circuits.chip import AnyChip
from hwsim.devices.arrays.flat_layout import Parts, Row, rows
from hwsim.devices.programming.level_scale import NEAREST, LevelScale
from hwsim.devices.programming.programming import NOTHING, Programmed, ProgrammingState
from hwsim.random.counter import Draws
from hwsim.settings.device_settings import DeviceSettings
from hwsim.typing import Array, Conductances

_OF_DEVICES = ("level", "shadow")
"""Kinds of state with a value a device."""

_GAIN, _MOST_GROWTH = 0.1, 10.0
"""How fast thresholds follow the number of flips: by a tenth an update without any, to less than twice as much after ten times as many as
may flip; where more would, none does."""


@dataclass(frozen=True)
class Discrete:
    """Programming to levels.

    `shadow`, what is wanted [S], takes the steps in full precision, within bounds; a device is written only when its level changes, and
    has the level's place between its own bounds then. The two devices of a pair share one shadow, with opposite signs around the middle of
    their range (mirrored: the pair's sum stays) or around its lower end (one-sided: a zero is both at the lowest level).

    It keeps from update to update, by kind and block: `level`, the number of the level of each device; `shadow`, where there is one; and
    `threshold`, by which steps are divided so that no more devices flip than may, a share that is the `limit` now.

    Source: Courbariaux et al. 2015, "BinaryConnect"; Lin et al. 2015, ternary; Laydevant et al. 2021, "Training dynamical binary neural
    networks with equilibrium propagation", without shadow.

    Parameters
    ----------
    settings
        The devices' levels, and how weights are laid on them; its number of levels is that of `devices`.
    devices
        What they are, in the order of the blocks, and the number of their last level.
    blocks
        The names of the blocks.

    """

    counts: ClassVar[tuple[str, ...]] = ("flips",)
    settings: DeviceSettings
    devices: tuple[Parts, Array]
    blocks: tuple[str, ...]

    def holding(self, devices: Any) -> Self:
        """Return the same with other arrays of device parameters: those that a compiled function was handed."""
        return replace(self, devices=devices)

    def begin(self, g: Conductances) -> tuple[dict[str, Array], ProgrammingState]:
        """Return the conductances that devices begin with where `g` was wanted [S], and the state at first."""
        new: dict[str, Array] = {}
        state: dict[str, Any] = {}
        for row in self._rows(g):
            part = self._of(row)
            shadow = part.shadow_of(row.join(g).reshape(-1))
            level = part.rounded(shadow, NEAREST)
            new |= row.cut(part.shown(level))
            kept = {"level": level, "shadow": shadow} if self.settings.shadow else {"level": level}
            for kind, values in kept.items():
                state[kind] = state.get(kind, {}) | _flat(row.cut(values.astype(shadow.dtype)))
        if self.settings.flips is not None:
            kind = next(iter(g.values())).dtype
            state |= {"threshold": {name: np.ones((), kind) for name in g}, "limit": np.asarray(self.settings.flips, kind)}
        return new, state

    def update(self, g: Conductances, dg: Mapping[str, Array], chip: AnyChip, key: Array, state: ProgrammingState = NOTHING) -> Programmed:  # noqa: ARG002 - a chip's devices are drawn before
        """Change what is wanted by `dg` [S], and write the devices whose level changes; `key` is the update's seed."""
        state = state or self.begin(g)[1]
        thresholds = state.get("threshold", {})
        dg = {name: values / thresholds[name] if thresholds else values for name, values in dg.items()}
        new: dict[str, Array] = {}
        after: dict[str, Any] = {}
        flips, energy = 0.0, 0.0
        for row in self._rows(g):
            part, before = self._of(row), {kind: row.join(state[kind]).reshape(-1) for kind in _OF_DEVICES if kind in state}
            shown = row.join(g).reshape(-1)
            start = before["shadow"] if self.settings.shadow else part.at_level(before["level"])
            shadow = part.moved(start, row.join(dg).reshape(-1))
            uniform = NEAREST
            if self.settings.level_rounding == "stochastic":
                uniform = Draws(key, shown, row.first, sum(values.size for values in g.values())).uniform("round")
            level = part.rounded(shadow, uniform)
            if thresholds:
                level, shares = _limited(row, level, before["level"], state["limit"])
                after["threshold"] = after.get("threshold", {}) | {
                    name: _adapted(thresholds[name], share) for name, share in shares.items()
                }
            written, cost = part.written(shown, part.shown(level), level - before["level"])
            new |= row.cut(written)
            for kind, values in {"level": level, "shadow": shadow}.items():
                if kind in state:
                    after[kind] = after.get(kind, {}) | _flat(row.cut(values))
            flips, energy = flips + cost[0], energy + cost[1]
        if thresholds:
            limit, xp = state["limit"], state["limit"].__array_namespace__()
            after["limit"] = xp.maximum(limit * (1 - self.settings.flips_decay), np.finfo(limit.dtype).tiny).astype(limit.dtype)
        return Programmed(new, flips, energy, after)

    @property
    def scale(self) -> LevelScale:
        """The levels of nominal devices."""
        (parts, last), log = self.devices, self.settings.level_spacing == "logarithmic"
        return LevelScale(parts.devices.g_min, parts.devices.g_max, last, log)

    def shadow_of(self, g: Array) -> Array:
        """Return the shadows of conductances g in a row [S]."""
        pairs, scale = self.devices[0].pairs, self.scale
        if pairs is None:
            return g
        xp, apart = g.__array_namespace__(), g - g[pairs.partner]
        of_pair = scale.low + apart if self._one_sided else (scale.low + scale.high + apart) / 2
        return xp.where(pairs.side == 0, g, of_pair).astype(g.dtype)

    def at_level(self, level: Array) -> Array:
        """Return the shadows of devices at these levels [S], from which steps without a memory go; single devices have their own levels."""
        pairs = self.devices[0].pairs
        single = self._drawn.conductance(level).astype(level.dtype)
        if pairs is None:
            return single
        return level.__array_namespace__().where(pairs.side == 0, single, self.shadow_of(self.scale.conductance(level))).astype(level.dtype)

    def moved(self, shadow: Array, dg: Array) -> Array:
        """Return the shadows after a step dg [S]; a pair's moves by half the difference of its devices' steps.

        A memory keeps within its bounds; without one, rounding alone does that, to a device's own.
        """
        pairs, scale, xp = self.devices[0].pairs, self.scale, shadow.__array_namespace__()
        low = scale.low
        if pairs is not None:
            dg = xp.where(pairs.side == 0, dg, (dg - dg[pairs.partner]) / 2)
            low = xp.where(pairs.side == 0, low, 2 * low - scale.high) if self._one_sided else low
        moved = xp.clip(shadow + dg, low, scale.high) if self.settings.shadow else shadow + dg
        return moved.astype(shadow.dtype)

    def rounded(self, shadow: Array, uniform: Array | float) -> Array:
        """Return the numbers of the levels that shadows [S] are rounded to; single devices know their own bounds."""
        pairs, scale = self.devices[0].pairs, self.scale
        if pairs is None:
            return self._drawn.number(shadow, uniform)
        xp, number = shadow.__array_namespace__(), scale.number(shadow, uniform)
        if not self._one_sided:
            number = xp.where(pairs.side < 0, scale.last - number[pairs.partner], number)
        return xp.where(pairs.side == 0, self._drawn.number(shadow, uniform), number)

    def shown(self, level: Array) -> Array:
        """Return the conductances of devices at these levels [S]: between their own bounds, or where they are stuck."""
        return self.devices[0].devices.begin(self._drawn.conductance(level).astype(level.dtype))

    def written(self, before: Array, after: Array, up: Array) -> tuple[Array, tuple[Array, Array]]:
        """Return the conductances [S], and how many devices were written, by `up` levels each, and with what energy [J]."""
        parts, xp = self.devices[0], before.__array_namespace__()
        n = xp.sign(up)
        energy = parts.devices.energy(before, after, n)
        flips, joules = ((values * parts.copies).sum().astype(np.float64) for values in (xp.abs(n), energy))
        return after, (flips, joules)

    @property
    def _one_sided(self) -> bool:
        return self.settings.coding == "one-sided"

    @property
    def _drawn(self) -> LevelScale:
        low, high = self.devices[0].devices.limits()
        return self.scale._replace(low=low, high=high)

    def _rows(self, g: Conductances) -> list[Row]:
        return rows(g, self.blocks, one=self.devices[0].pairs is not None)

    def _of(self, row: Row) -> Self:
        parts, last = self.devices
        return self if len(row.spans) == len(self.blocks) else self.holding((parts.of(row.spans), last))


def _limited(row: Row, level: Array, before: Array, flips: Any) -> tuple[Array, dict[str, Array]]:
    """Return the levels of a row, as before in blocks where far too many would flip, and the share that would of what may, by block."""
    xp, new, old = level.__array_namespace__(), row.cut(level), row.cut(before)
    shares = {name: (new[name] != old[name]).mean() / flips for name in new}
    kept = [xp.where(shares[name] > _MOST_GROWTH, old[name], new[name]).reshape(-1) for name in new]
    return xp.concatenate(kept), shares


def _adapted(threshold: Array, flips: Array) -> Array:
    """Return the next threshold after `flips` as a multiple of what may flip: higher after too many, lower after few, never below 1."""
    xp = flips.__array_namespace__()
    return xp.maximum(threshold * (1 + _GAIN * (xp.minimum(flips, _MOST_GROWTH) - 1)), 1.0).astype(threshold.dtype)


def _flat(blocks: Mapping[str, Array]) -> dict[str, Array]:
    return {name: values.reshape(-1) for name, values in blocks.items()}
