"""Pulsed: conductances that change as real devices do, by whole pulses, with all that training must keep for them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from circuits.chip import AnyChip
from hwsim.devices.arrays.flat_layout import Parts, Row, rows
from hwsim.devices.arrays.pairs import Pairs, refresh
from hwsim.devices.kinds.loops import either
from hwsim.devices.kinds.steps import Exact
from hwsim.devices.programming import symmetric_point
from hwsim.devices.programming.programming import NOTHING, Programmed, ProgrammingState
from hwsim.devices.programming.rounding import Sizes, accumulate, limited, nearest, sign
from hwsim.devices.programming.symmetric_point import TikiTaka, TikiTakaDraws, Transfer, begin_tiki_taka, tiki_taka
from hwsim.devices.programming.writing import Reading, Verify, Written, reset_and_write, rewrite, write, write_exactly, write_those
from hwsim.random.counter import Draws
from hwsim.settings.device_settings import DeviceSettings
from hwsim.typing import Array, Conductances


class Done(NamedTuple):
    """What an update made of a row: its conductances [S], the sums of pulses and of energy [J], and the state for the next one."""

    g: Array
    pulses: Array
    energy: Array
    state: dict[str, Array]


@dataclass(frozen=True)
class Pulsed:
    """Programming by pulses.

    What it keeps from update to update has a value for each device, by kind and block: `hidden`, the states that pulses move, where write
    noise hides them [S]; `left`, pulses still due; `fast`, `reference`, Tiki-Taka's [S]. Pairs count their updates in `updates`.

    Parameters
    ----------
    settings
        How devices are programmed.
    devices
        What they are, in the order of the blocks.
    blocks
        The names of the blocks.
    noisy
        Whether pulses have noise.

    """

    counts: ClassVar[tuple[str, ...]] = ("pulses",)
    settings: DeviceSettings
    devices: Parts
    blocks: tuple[str, ...]
    noisy: bool

    def holding(self, devices: Parts) -> Self:
        """Return the same with other arrays of device parameters: those that a compiled function was handed."""
        return replace(self, devices=devices)

    def begin(self, g: Conductances) -> tuple[dict[str, Array], ProgrammingState]:
        """Return the conductances that devices begin with where `g` was wanted [S], and the state at first."""
        new: dict[str, Array] = {}
        state: dict[str, Any] = {} if self.devices.pairs is None else {"updates": np.zeros((), np.int32)}
        for row in self._rows(g):
            part = self._of(row)
            start = part.devices.devices.begin(row.join(g).reshape(-1))
            new |= row.cut(start)
            for kind, values in part.begin_row(start).items():
                state[kind] = state.get(kind, {}) | _flat(row.cut(values))
        return new, state

    def update(self, g: Conductances, dg: Mapping[str, Array], chip: AnyChip, key: Array, state: ProgrammingState = NOTHING) -> Programmed:  # noqa: ARG002 - a chip's devices are drawn before
        """Change the conductances `g` by about `dg` [S]; `key` is the update's seed. Without a state it starts as at the beginning."""
        state = state or self.begin(g)[1]
        counted = {} if self.devices.pairs is None else {"updates": (state["updates"] + 1).astype(np.int32)}
        new: dict[str, Array] = {}
        after: dict[str, Any] = dict(counted)
        pulses, energy = 0.0, 0.0
        for row in self._rows(g):
            shown = row.join(g).reshape(-1)
            draws = Draws(key, shown, row.first, sum(values.size for values in g.values()))
            before = {kind: row.join(values) for kind, values in state.items() if kind not in counted}
            done = self._of(row).update_row(shown, row.join(dg), before | counted, draws)
            new |= row.cut(done.g)
            for kind, values in done.state.items():
                after[kind] = after.get(kind, {}) | _flat(row.cut(values))
            pulses, energy = pulses + done.pulses, energy + done.energy
        return Programmed(new, pulses, energy, after)

    def _rows(self, g: Conductances) -> list[Row]:
        return rows(g, self.blocks, one=self.devices.pairs is not None)

    def _of(self, row: Row) -> Self:
        return self if len(row.spans) == len(self.blocks) else self.holding(self.devices.of(row.spans))

    def begin_row(self, start: Array) -> dict[str, Array]:
        """Return the first state of a row that begins with these conductances [S]."""
        parts = self.devices
        state = {} if parts.devices.write is None else {"hidden": start}
        if parts.fast is not None:
            return (
                state | begin_tiki_taka(parts.fast, symmetric_point.symmetric_point(parts.fast, start.shape).astype(start.dtype))._asdict()
            )
        if self.settings.rounding == "accumulate" or self.settings.scheme == "write-verify":
            return state | {"left": 0 * start}
        return state

    def update_row(self, g: Array, dg: Array, state: ProgrammingState, draws: Draws) -> Done:
        """Update a row; `dg` may have the shape of its only block."""
        devices = self.devices.devices
        done, after = self._program(state.get("hidden", g), dg, state, draws)
        hidden = new = devices.leak(done.g, 1)
        if devices.write is not None:
            new = devices.show(g, hidden, done.pulses, draws.normal("write"))
            after["hidden"] = hidden
        copies = self.devices.copies
        costs = (values * copies if np.ndim(copies) else values for values in (done.pulses, done.energy))
        pulses, energy = (values.sum().astype(np.float64) for values in costs)
        return Done(new, pulses, energy, after)

    def _program(self, g: Array, dg: Array, state: ProgrammingState, draws: Draws) -> tuple[Written, dict[str, Array]]:
        """Program all devices by the scheme that is set; return its state too."""
        match self.settings.scheme:
            case "pulses":
                return self._by_pulses(g, dg, state, draws)
            case "write-verify":
                return self._verified(g, dg.reshape(-1), state, draws)
            case "tiki-taka":
                return self._by_transfer(g, dg.reshape(-1), state, draws)

    def _by_pulses(self, g: Array, dg: Array, state: ProgrammingState, draws: Draws) -> tuple[Written, dict[str, Array]]:
        devices, sizes, _, curve, pairs, _ = self.devices
        if isinstance(devices.law, Exact):
            return write_exactly(devices, g, dg.reshape(-1)), {}
        n, left = self._rounded(dg if pairs is None else pairs.wanted(dg.reshape(-1)), state, draws)
        n = n if pairs is None else pairs.raised(n)
        xp = g.__array_namespace__()
        done = write(devices, g, n if curve is None else xp.maximum(n, 0), draws.normal("cycle") if self.noisy else 0.0)
        if curve is not None:
            done = reset_and_write(devices, curve, done, g + sizes.up * n, n < 0, draws.normal("verify", 2))
        if pairs is None:
            return done, left
        return self._refreshed(pairs, done, state["updates"], draws), left

    def _refreshed(self, pairs: Pairs, done: Written, updates: Array, draws: Draws) -> Written:
        """Rewrite the pairs with too large a common mode, every so many updates."""
        devices, sizes, _, curve, *_ = self.devices
        settings, numbers = self.settings, draws.turns("refresh")
        verify = Verify(settings.verify_tolerance, settings.verify_rounds, settings.max_pulses)

        def refreshed(g: Array, target: Array, where: Array, number: int) -> Written:
            now, own_numbers = where & look, numbers.after(number * (verify.rounds + 1))
            if curve is None:
                return write_those(devices, sizes, g, target, now, verify, own_numbers, Reading())
            return rewrite(devices, curve, g, target, now, verify, own_numbers, Reading())

        def looked() -> Written:
            written = refresh(devices, pairs, done.g, settings.common, refreshed)
            return Written(written.g, *(a + b for a, b in zip(done[1:], written[1:], strict=True)))

        look = updates % settings.refresh == 0
        return either(look, looked, lambda: done, done.g.__array_namespace__())  # type: ignore[no-any-return] # what both give

    def _rounded(self, dg: Array, state: ProgrammingState, draws: Draws) -> tuple[Array, dict[str, Array]]:
        sizes, most = self.devices.sizes, self.settings.max_pulses
        if self.settings.rounding == "stochastic":
            up, down, uniform = (row.reshape(dg.shape) if np.ndim(row) else row for row in (*sizes, draws.uniform("round")))
            return limited(Sizes(up, down).dithered(dg, uniform), most).reshape(-1), {}  # in a block's shape, as gradients are computed
        n = sizes.pulses(dg.reshape(-1))
        match self.settings.rounding:
            case "nearest":
                return limited(nearest(n), most), {}
            case "sign":
                return sign(n, self.settings.threshold), {}
            case "accumulate":
                due = accumulate(n, state["left"], threshold=self.settings.threshold, most=most)
                return due.n, {"left": due.left}

    def _verified(self, g: Array, dg: Array, state: ProgrammingState, draws: Draws) -> tuple[Written, dict[str, Array]]:
        """Write and verify the devices with at least `threshold` pulses due."""
        devices, sizes, settings = self.devices.devices, self.devices.sizes, self.settings
        xp = g.__array_namespace__()
        wanted = state["left"] + sizes.pulses(dg)
        due = xp.abs(wanted) >= max(settings.threshold, 1.0)
        target = g + wanted * xp.where(wanted > 0, sizes.up, sizes.down)
        verify = Verify(settings.verify_tolerance, settings.verify_rounds, settings.max_pulses)
        done = write_those(devices, sizes, g, target, due, verify, draws.turns("verify"), Reading())
        return done, {"left": xp.where(due, 0.0, wanted).astype(g.dtype)}

    def _by_transfer(self, g: Array, dg: Array, state: ProgrammingState, draws: Draws) -> tuple[Written, dict[str, Array]]:
        slow, sizes, fast, *_ = self.devices
        fast_state = TikiTaka(*(state[field] for field in TikiTaka._fields))
        numbers = TikiTakaDraws(draws.uniform("round"), draws.normal("transfer"), draws.normal("cycle"))
        transfer = Transfer(self.settings.transfer, 1, self.settings.max_pulses)
        done, fast_state = tiki_taka(
            slow if fast is None else fast, slow, sizes, g, dg, fast_state, transfer, np.zeros((), np.int32), numbers
        )
        return done, dict(fast_state._asdict())


def _flat(blocks: Mapping[str, Array]) -> dict[str, Array]:
    return {name: values.reshape(-1) for name, values in blocks.items()}
