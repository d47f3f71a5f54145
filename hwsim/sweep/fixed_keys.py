"""Fixed keys next to varied ones: --set and --vary are checked together, point by point, before anything is computed."""

import re
from collections.abc import Sequence

from circuits.quoting import quote, quoted
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import FromOption, Settings, joined
from hwsim.settings.flat_training import canonical
from hwsim.settings.idle_keys import idle
from hwsim.sweep.axes import Axis
from hwsim.sweep.points import SweepPoint, shown, written
from hwsim.sweep.sensitivity import value_of
from hwsim.sweep.sweep_errors import SweepError


def base(what: str, settings: Settings, axes: Sequence[Axis], *, replaced: bool) -> Experiment:
    """Load the experiment that points change; `replaced`: every point has a value of every varied key.

    Then a fixed key may need a varied one: `--set device.cycle=0.1 --vary device.preset=pcm,ecram`. The experiment is that of the first
    values.

    Raises
    ------
    ExperimentError, NetlistError
        When it is wrong.

    """
    try:
        return load(what, settings)
    except ExperimentError:
        if not (replaced and settings and axes):
            raise
        values = {axis.key: axis.at(0.0) if axis.ranged else axis.listed[0] for axis in axes}
        first = [FromOption(written(key, value), f"--vary {key}={shown(value)}") for key, value in values.items()]
        return load(what, joined(settings, first))


def refuse_undone(settings: Settings, axes: Sequence[Axis], points: Sequence[SweepPoint], base: Experiment, *, replaced: bool) -> None:
    """Refuse a fixed key that a varied one replaces, at the first point where it does.

    Raises
    ------
    SweepError
        With both, and the point.

    """
    for setting in settings:
        fixed = _plain(setting.partition("=")[0])
        for axis in axes:
            varied = _plain(axis.key)
            if not (replaced and fixed == varied) and not fixed.startswith(f"{varied}.") and not _of_kind(fixed, varied):
                continue
            at = next((point for point in points if _differs(point, axis, base, always=fixed == varied)), None)
            if at is not None:
                typed = setting.typed if isinstance(setting, FromOption) else f"--set {setting}"
                value = quoted(at.settings[axis.key])
                msg = f"{quote(typed)} has no effect at point {at.number}, where --vary {axis.key} = {value} replaces it; omit one of them"
                raise SweepError(msg)


def _plain(key: str) -> str:
    """Return `circuit.layers[0].size` as `circuit.layers.0.size`, and short spellings in full."""
    return re.sub(r"\[(\d+)\]", r".\1", canonical(key.strip()))


def _of_kind(fixed: str, varied: str) -> bool:
    """Whether the varied kind of a table loses the fixed key."""
    table, _, last = varied.rpartition(".")
    return last == "kind" and fixed.startswith(f"{table}.") and fixed != varied


def _differs(point: SweepPoint, axis: Axis, base: Experiment, *, always: bool) -> bool:
    return axis.key in point.settings and (always or point.settings[axis.key] != value_of(base, axis.key))


def refuse_idle(axes: Sequence[Axis], points: Sequence[SweepPoint], base: Experiment) -> None:
    """Refuse a varied key without effect at any point, because of other keys there.

    Raises
    ------
    SweepError
        With the key and the reason.

    """
    for axis in axes:
        key = _plain(axis.key)
        reason, at = "", 0
        for point in points:
            if axis.key in point.settings:
                because = next((because for name, because in idle(point.experiment(base)) if name == key), "")
                if not because:
                    break
                reason, at = reason or because, at or point.number
        else:
            if reason:
                msg = f"--vary {axis.key}: it has no effect at point {at}, nor at any other: {reason}"
                raise SweepError(msg)
