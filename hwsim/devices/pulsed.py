"""Pulsed: conductances that change as real devices do, by whole pulses, with all that training must hold for them.

All devices of a circuit stand in one row, so that however many crossbars there are, what pulses do is compiled once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from circuits.chip import AnyChip
from hwsim.devices import symmetry
from hwsim.devices.draws import Draws
from hwsim.devices.models import Devices
from hwsim.devices.pairs import Pairs, refresh
from hwsim.devices.programming import NOTHING, Held, Programmed
from hwsim.devices.repeat import either
from hwsim.devices.rounding import Sizes, accumulate, limited, nearest, sign, stochastic
from hwsim.devices.steps import Exact
from hwsim.devices.symmetry import TikiTaka, TikiTakaDraws, Transfer, begin_tiki_taka, tiki_taka
from hwsim.devices.writing import Reading, Verify, Written, rewrite, write, write_anew, write_exactly, write_those
from hwsim.engine import Array, Conductances
from hwsim.settings import DeviceSettings


class Parts(NamedTuple):
    """The devices of a circuit in a row, with Tiki-Taka also the fast ones; the size of a pulse; after a reset, the way up.

    `pairs` says which are pairs, where pairs are asked for. `curve` holds the conductance [S] of a nominal device after 0, 1, 2 … pulses
    from its lower bound.
    """

    devices: Devices
    sizes: Sizes
    fast: Devices | None = None
    curve: Array | None = None
    pairs: Pairs | None = None


@dataclass(frozen=True)
class Pulsed:
    """Programming by pulses; what it holds from update to update are rows with a value for each device.

    `hidden`: the states that pulses move, where write noise hides them [S]; `left`: pulses still due; `fast`, `reference`: Tiki-Taka's [S].
    Pairs count their updates in `updates`.

    Parameters
    ----------
    settings
        How devices are programmed.
    devices
        What they are.
    blocks
        The names of the blocks in the order of the row.
    noisy
        Whether pulses have noise.

    """

    settings: DeviceSettings
    devices: Parts
    blocks: tuple[str, ...]
    noisy: bool

    def holding(self, devices: Parts) -> Self:
        """Give the same with other arrays of device parameters: those that a compiled function was handed."""
        return replace(self, devices=devices)

    def begin(self, g: Conductances) -> tuple[dict[str, Array], Held]:
        """Give the conductances that devices begin with where `g` was wanted [S], and what is held."""
        parts, row = self.devices, self._row(g)
        start = parts.devices.begin(row)
        held: dict[str, Array] = {} if parts.devices.write is None else {"hidden": start}
        if parts.fast is not None:
            held |= begin_tiki_taka(parts.fast, symmetry.symmetric_point(parts.fast, row.shape).astype(row.dtype))._asdict()
        elif self.settings.rounding == "accumulate" or self.settings.scheme == "write-verify":
            held |= {"left": 0 * row}
        if parts.pairs is not None:
            held |= {"updates": np.zeros((), np.int32)}
        return self._cut(start, g), held

    def update(self, g: Conductances, dg: Mapping[str, Array], chip: AnyChip, key: Array, held: Held = NOTHING) -> Programmed:  # noqa: ARG002 - a chip's devices are drawn before
        """Change the conductances `g` by about `dg` [S]; `key` is the update's seed. With nothing held it goes on as at the beginning."""
        held = held or self.begin(g)[1]
        devices, shown, wanted = self.devices.devices, self._row(g), self._row(dg)
        draws = Draws(key, shown)
        before = held.get("hidden", shown)
        done, after = self._program(before, wanted, held, draws)
        hidden = new = devices.leak(done.g, 1)
        if devices.write is not None:
            new = devices.show(shown, hidden, done.pulses, draws.normal("write"))
            after["hidden"] = hidden
        pulses, energy = (values.sum().astype(np.float64) for values in (done.pulses, done.energy))
        return Programmed(self._cut(new, g), pulses, energy, after)

    def _row(self, values: Mapping[str, Array]) -> Array:
        """Lay the devices of all blocks in a row."""
        parts = [values[name].reshape(-1) for name in self.blocks]
        return parts[0].__array_namespace__().concatenate(parts)

    def _cut(self, row: Array, like: Mapping[str, Array]) -> dict[str, Array]:
        """Cut a row into blocks of the shapes that others have."""
        ends = np.cumsum([0, *(like[name].size for name in self.blocks)]).tolist()
        return {name: row[ends[k] : ends[k + 1]].reshape(like[name].shape) for k, name in enumerate(self.blocks)}

    def _program(self, g: Array, dg: Array, held: Held, draws: Draws) -> tuple[Written, dict[str, Array]]:
        """Program all devices by the scheme that is set; gives what is held of it, too."""
        match self.settings.scheme:
            case "pulses":
                return self._by_pulses(g, dg, held, draws)
            case "write-verify":
                return self._verified(g, dg, held, draws)
            case "tiki-taka":
                return self._by_transfer(g, dg, held, draws)

    def _by_pulses(self, g: Array, dg: Array, held: Held, draws: Draws) -> tuple[Written, dict[str, Array]]:
        devices, sizes, _, curve, pairs = self.devices
        if isinstance(devices.law, Exact):
            return write_exactly(devices, g, dg), {}
        n, left = self._rounded(dg if pairs is None else pairs.wanted(dg), held, draws)
        n = n if pairs is None else pairs.raised(n)
        xp = g.__array_namespace__()
        done = write(devices, g, n if curve is None else xp.maximum(n, 0), draws.normal("cycle") if self.noisy else 0.0)
        if curve is not None:
            done = write_anew(devices, curve, done, g + sizes.up * n, n < 0, draws.normal("verify", 2))
        if pairs is None:
            return done, left
        updates = (held["updates"] + 1).astype(np.int32)
        return self._refreshed(pairs, done, updates, draws), {**left, "updates": updates}

    def _refreshed(self, pairs: Pairs, done: Written, updates: Array, draws: Draws) -> Written:
        """Write those pairs anew that have too much in common, every so many updates."""
        devices, sizes, _, curve, _ = self.devices
        settings, numbers = self.settings, draws.turns("refresh")
        verify = Verify(settings.verify_tolerance, settings.verify_rounds, settings.max_pulses)

        def anew(g: Array, target: Array, where: Array, number: int) -> Written:
            now, own = where & look, numbers.after(number * (verify.rounds + 1))
            if curve is None:
                return write_those(devices, sizes, g, target, now, verify, own, Reading())
            return rewrite(devices, curve, g, target, now, verify, own, Reading())

        def looked() -> Written:
            written = refresh(devices, pairs, done.g, settings.common, anew)
            return Written(written.g, *(a + b for a, b in zip(done[1:], written[1:], strict=True)))

        look = updates % settings.refresh == 0
        return either(look, looked, lambda: done, done.g.__array_namespace__())  # type: ignore[no-any-return] # what both give

    def _rounded(self, dg: Array, held: Held, draws: Draws) -> tuple[Array, dict[str, Array]]:
        n, most = self.devices.sizes.pulses(dg), self.settings.max_pulses
        match self.settings.rounding:
            case "nearest":
                return limited(nearest(n), most), {}
            case "stochastic":
                return limited(stochastic(n, draws.uniform("round")), most), {}
            case "sign":
                return sign(n, self.settings.threshold), {}
            case "accumulate":
                due = accumulate(n, held["left"], threshold=self.settings.threshold, most=most)
                return due.n, {"left": due.left}

    def _verified(self, g: Array, dg: Array, held: Held, draws: Draws) -> tuple[Written, dict[str, Array]]:
        """Write those devices anew that have at least `threshold` pulses due, and look until they are there."""
        devices, sizes, settings = self.devices.devices, self.devices.sizes, self.settings
        xp = g.__array_namespace__()
        wanted = held["left"] + sizes.pulses(dg)
        due = xp.abs(wanted) >= max(settings.threshold, 1.0)
        target = g + wanted * xp.where(wanted > 0, sizes.up, sizes.down)
        verify = Verify(settings.verify_tolerance, settings.verify_rounds, settings.max_pulses)
        done = write_those(devices, sizes, g, target, due, verify, draws.turns("verify"), Reading())
        return done, {"left": xp.where(due, 0.0, wanted).astype(g.dtype)}

    def _by_transfer(self, g: Array, dg: Array, held: Held, draws: Draws) -> tuple[Written, dict[str, Array]]:
        slow, sizes, fast, *_ = self.devices
        state = TikiTaka(*(held[field] for field in TikiTaka._fields))
        numbers = TikiTakaDraws(draws.uniform("round"), draws.normal("transfer"), draws.normal("cycle"))
        transfer = Transfer(self.settings.transfer, 1, self.settings.max_pulses)
        done, state = tiki_taka(slow if fast is None else fast, slow, sizes, g, dg, state, transfer, np.zeros((), np.int32), numbers)
        return done, dict(state._asdict())
