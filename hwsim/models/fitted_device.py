"""fit_device: a memristor's model from a measured pulse train."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwsim.devices.fit.fit import Fit


def fit_device(measured: str | Path, out: str | Path | None = None) -> "list[Fit]":
    r"""Fit all kinds of steps to a measured pulse train, the best first by Akaike's criterion.

    Parameters
    ----------
    measured
        A table (.csv) with the columns `pulses,g`: the pulses sent before each reading, negative ones down, and the conductance [S]; or
        `pulse,direction,g`: a running number of the pulse, up or down, and the conductance.
    out
        Where the best is written, as a device file (.toml), which `device=` of `hwsim.fit` takes; absent: nowhere.

    Returns
    -------
    list of Fit
        Each with its `device`, its parameters as `estimates` (`name`, `value`, and the ends of its 95 % interval, `low` and `high`),
        Akaike's criterion `aic`, and the root mean square error of the forecast of the next reading, `rms` [S].

    Raises
    ------
    DataError
        When the table cannot be used, naming line, column and remedy.
    OSError
        When a file cannot be read or written.

    Examples
    --------
    >>> from pathlib import Path
    >>> import hwsim as hw
    >>> rows = "pulses,g 0,1.00e-6 10,2.01e-6 10,2.98e-6 10,4.00e-6 -10,3.01e-6 -10,1.99e-6 -10,1.00e-6"
    >>> _ = Path("measured.csv").write_text(rows.replace(" ", "\n"))
    >>> best, *others = hw.fit_device("measured.csv", "line.toml")
    >>> best.device.step.kind, len(others), best.rms < 1e-7, Path("line.toml").exists()
    ('constant', 4, True, True)

    """
    from hwsim.devices.fit.fit import fit  # noqa: PLC0415 - only those who fit need it
    from hwsim.devices.fit.pulse_train import read  # noqa: PLC0415
    from hwsim.devices.kinds import presets  # noqa: PLC0415
    from hwsim.files import atomic  # noqa: PLC0415

    fits = fit(read(Path(measured)))
    if out is not None:
        atomic.write(Path(out), presets.to_toml(fits[0].device))
    return fits
