"""Retention: the error of chips over time at several temperatures, and what a short training brings back."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from circuits.units import Joule, Second
from hwsim.datasheet.chip_errors import ChipErrors, mean_error
from hwsim.datasheet.margins import Observe, between
from hwsim.datasheet.sheet_section import SheetSection
from hwsim.ensemble.results import Tested
from hwsim.ensemble.trainings import learn, test
from hwsim.formatting import Measure, counted, mean_and_spread, quantity
from hwsim.session import Session
from hwsim.settings.durations import spelled
from hwsim.sweep.mean_interval import Interval
from hwsim.typing import Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """Mean error of the chips at a temperature [°C] a time after programming [s], and its 95 % interval."""

    celsius: float
    after: Second
    error: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """What a short training on the same data brings back, at the last time and the hottest of the temperatures.

    Parameters
    ----------
    celsius, after
        Temperature [°C] and age of the chips [s] when they are trained.
    epochs
        Of the training.
    error, interval
        Mean error of the chips afterwards, and its 95 % interval.
    joules
        Mean energy of the pulses of a chip [J]; None: its devices are not pulsed.
    failed
        Chips whose training failed; they are not in the mean.

    """

    celsius: float
    after: Second
    epochs: int
    error: float
    interval: Interval
    joules: Joule | None
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The error over time at temperatures, and after a refresh.

    Parameters
    ----------
    retained
        By temperature, then time.
    refresh
        None: none was asked for.
    chips
        How many.
    measure
        What an error is called.
    drift
        What the device is known to do.

    """

    retained: tuple[Retained, ...]
    refresh: Refresh | None
    chips: int
    measure: Measure
    drift: str

    def section(self) -> SheetSection:
        """Show the errors, and what the refresh brought back."""
        measure = self.measure
        rows = [(f"{one.celsius:g} °C", _age(one.after), measure.text(one.error), between(one.interval, measure)) for one in self.retained]
        notes = [f"{self.drift} No source gives an activation energy: heat changes conductances and diodes, and does not hasten drift."]
        if (again := self.refresh) is not None:
            rows.append(
                (
                    f"{again.celsius:g} °C",
                    f"{_age(again.after)}, trained for {counted(again.epochs, 'epoch')}",
                    measure.text(again.error),
                    between(again.interval, measure),
                )
            )
            pulses = "its devices are set, not pulsed" if again.joules is None else f"its pulses take {quantity(again.joules, 'J')} a chip"
            notes.append(f"The refresh trains each chip from what drift left of its conductances; {pulses}.")
            if again.failed:
                notes.append(f"{counted(again.failed, 'chip')} did not train.")
        return SheetSection(
            title="Retention",
            condition=f"Mean over {counted(self.chips, 'chip')}, programmed once; the error is that of the test set.",
            header=("temperature", "after", measure.name, "95 %"),
            rows=rows,
            notes=notes,
        )


def retention(
    errors: ChipErrors, temperatures: Sequence[float], times: Sequence[Second], refresh: int | None, observe: Observe
) -> Retention:
    """Measure errors at temperatures [°C] and times [s]; `refresh` is a number of epochs of training afterwards.

    Raises
    ------
    ConvergenceError, CircuitError
        When a chip cannot be tested there.

    """
    retained = []
    points = [(celsius, after) for celsius in temperatures for after in times]
    for number, (celsius, after) in enumerate(points):
        observe(number, len(points), f"{celsius:g} °C after {_age(after)}")
        mean, interval = mean_error(errors({"variation.temperature": celsius, "variation.after": after}))
        retained.append(Retained(celsius=celsius, after=after, error=mean, interval=interval))
    drifts = [f"{preset} drifts as (t/{drift.t0:g} s)^−{drift.nu:g}." for preset, drift in errors.given.drifts.items() if drift]
    return Retention(
        retained=tuple(retained),
        refresh=None if refresh is None else _refreshed(errors, max(temperatures), max(times), refresh),
        chips=len(errors.chips),
        measure=errors.given.experiment.data.measure,
        drift=" ".join(drifts) or "The device has no drift model: time changes nothing.",
    )


def _refreshed(errors: ChipErrors, celsius: float, after: Second, epochs: int) -> Refresh:
    """Train each chip for a few epochs from what drift left of its conductances, and test it."""
    aged = errors.session({"variation.temperature": celsius, "variation.after": after})
    wanted, results, joules = errors.wanted(aged), list[Tested](), list[float]()
    pulsed = any(device.programmed for device in aged.experiment.devices)
    for chip in errors.chips:
        session = aged.on_chip(chip)
        tested, energy = _trained(session, session.programmed(wanted), epochs, errors.samples)
        results.append(tested)
        joules += [] if tested.failed else [energy]
    good = np.array([one.error for one in results if one.failed is None])
    mean, interval = mean_error(good) if len(good) else (np.nan, Interval(np.nan, np.nan))
    return Refresh(
        celsius=celsius,
        after=after,
        epochs=epochs,
        error=mean,
        interval=interval,
        joules=mean_and_spread(joules)[0] if pulsed and joules else None,
        failed=len(results) - len(good),
    )


def _trained(session: Session, g: Weights, epochs: int, samples: int | None) -> tuple[Tested, Joule]:
    """Train from conductances at the chip's temperature [S]; returns the test, and the energy of the pulses [J]."""
    fresh = session.fresh
    cold: dict[str, Any] = {name: np.asarray(values) / fresh.chip.heat for name, values in g.items()}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_solvers:
        start = Path(folder) / "start.npz"
        np.savez(start, **cold)
        again = fresh.changed("training", start=str(start), epochs=epochs)
        result = learn([again.trainer(open_solvers.enter_context(again.training_solver()))])[0]
        if result.failed:
            return Tested(np.nan, np.nan, result.failed), np.nan
        solver = open_solvers.enter_context(again.solver())
        x, targets = again.data.x_test[:samples], again.task.test.some(slice(samples))
        return test([again], [solver], [result.g], [x], [targets])[0], result.energy


def _age(after: Second) -> str:
    return spelled(after) if after else "0 s"
