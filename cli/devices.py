"""`hwsim devices`: the presets, their pulse curves, and fits to measured pulses."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import options
from cli.command import command as make_command
from cli.output import Output, ProgressStep
from cli.tables import table

if TYPE_CHECKING:
    from hwsim.devices.fit.fit import Fit
    from hwsim.devices.kinds.declared import Device

KINDS = ("constant", "soft-bounds", "linear", "power", "exponential", "table")
"""Values of --model; `table` smooths the measured points instead of fitting a formula."""


@make_command(
    "devices",
    "hwsim devices\nhwsim devices pcm --plot pcm.png\nhwsim devices reram-sb --toml > my.toml\nhwsim devices --fit measured.csv > my.toml",
)
@click.argument("name", metavar="[NAME|FILE.toml]", required=False)
@options.plot("Draw pulse curves: up, down, several devices, noise.")
@click.option("--toml", is_flag=True, help="Print the device as a file, all numbers in shares of the conductance range.")
@click.option("--fit", "measured", type=click.Path(path_type=Path), metavar="FILE.csv", help="Fit a device to measured pulses.")
@click.option("--model", type=click.Choice(KINDS), help="Fit only this kind of step [default: all but table, by Akaike's criterion].")
@options.force
def command(  # noqa: PLR0913 - a parameter an option
    output: Output,
    name: str | None,
    plot: Path | None,
    toml: bool,  # noqa: FBT001 - a parameter an option
    measured: Path | None,
    model: str | None,
    *,
    force: bool,
) -> None:
    """List the presets: model, range, steps, asymmetry, noise, source. With NAME, or a device file, describe that one.

    --fit reads a table with the columns pulses,g: the pulses sent before each reading (negative ones are pulses down) and the conductance
    in siemens; or pulse,direction,g: a running number of the pulse, up or down, and the conductance. It prints a device file, in which
    comments compare the kinds of steps that were tried and give the parameters' 95 % intervals.
    """
    from hwsim.devices.kinds import presets  # noqa: PLC0415 - for this command alone
    from hwsim.sweep import outputs  # noqa: PLC0415 - help does without

    read = [Path(path) for path in (name, measured) if path is not None]
    outputs.refuse([outputs.OutputFile("--plot", plot, outputs.PICTURE)] if plot else [], read, force=force)
    if measured is not None:
        if name is not None or toml:
            msg = "--fit makes a new device; omit NAME and --toml"
            raise click.UsageError(msg)
        _fit(output, measured, model, plot)
        return
    if model is not None:
        msg = "--model is for --fit FILE.csv"
        raise click.UsageError(msg)
    if name is None and toml:
        msg = "--toml prints one device; name it"
        raise click.UsageError(msg)
    devices = [presets.load(preset) for preset in ([name] if name else presets.names())]
    if plot is not None:
        from hwsim.devices.fit.pulse_curves import gallery, pulse_curves  # noqa: PLC0415 - for this command alone
        from hwsim.files import atomic  # noqa: PLC0415 - for this command alone

        atomic.write(plot, pulse_curves(devices[0]) if name else gallery(devices))
        output.note(f"{plot}: pulse curves of {name or f'{len(devices)} presets'}")
    if name is None:
        header = ("name", "model", "range", "on/off", "steps up, down", "down/up", "noise per pulse", "device", "source")
        output.result({"presets": [_entry(device) for device in devices]}, table(header, [_row(device) for device in devices]))
    elif toml and not output.json:
        output.raw(presets.to_toml(devices[0]))
    else:
        output.result(_entry(devices[0]) | {"toml": presets.to_toml(devices[0])}, _details(devices[0]))


def _fit(output: Output, measured: Path, model: str | None, plot: Path | None) -> None:
    """Fit, and print the best as a file."""
    from hwsim.devices.fit.fit import fit, smoothed  # noqa: PLC0415 - for this command alone
    from hwsim.devices.fit.pulse_train import read  # noqa: PLC0415 - for this command alone
    from hwsim.devices.kinds import presets  # noqa: PLC0415 - for this command alone
    from hwsim.files import atomic  # noqa: PLC0415 - help does without

    train = read(measured)
    if model == "table":
        fits = [smoothed(train)]
    else:
        kinds = KINDS[:-1] if model is None else (model,)
        with output.progress(f"fit {measured}") as show:
            fits = fit(train, kinds, lambda kind: show(ProgressStep(kinds.index(kind), len(kinds), f"{kind} steps")))
    best = fits[0]
    if plot is not None:
        from hwsim.devices.fit.pulse_curves import fitted  # noqa: PLC0415 - for this command alone

        atomic.write(plot, fitted(train, best.device))
        output.note(f"{plot}: {measured} and the fitted curve")
    text = presets.to_toml(best.device)
    result = {
        "file": str(measured),
        "model": best.device.step.kind,
        "parameters": {e.name: {"value": e.value, "low": e.low, "high": e.high} for e in best.estimates},
        "rms_S": best.rms,
        "models": {one.device.step.kind: {"aic": one.aic, "rms_S": one.rms} for one in fits},
        "toml": text,
    }
    output.result(result, _comments(fits) + text.rstrip("\n"))


def _comments(fits: list["Fit"]) -> str:
    best = fits[0]
    compared = [
        f"#   {one.device.step.kind}: AIC {one.aic - best.aic:+.1f}, forecasts the next reading to {one.rms:.3g} S rms" for one in fits
    ]
    lines = (
        ["# Compared, the simplest of the best first (by Akaike's criterion, where 2 is nothing and 10 decides):", *compared]
        if len(fits) > 1
        else []
    )
    if best.estimates:
        lines += ["# Parameters with their 95 % intervals:"]
        lines += [f"#   {e.name} = {e.value:.4g} ({e.low:.4g} to {e.high:.4g})" for e in best.estimates]
    return "\n".join([*lines, "", ""]) if lines else ""


def _entry(device: "Device") -> dict[str, Any]:
    """Return a device's description for JSON."""
    from hwsim.devices.kinds.shapes import middle  # noqa: PLC0415 - help does without

    up, down = middle(device.step)
    result = device.model_dump(mode="json")
    result |= {"kind": device.step.kind, "on_off": device.on_off, "step_up": up, "step_down": 0.0 if device.one_sided else down}
    return result


def _row(device: "Device") -> tuple[str, ...]:
    entry = _entry(device)
    up, down = entry["step_up"], entry["step_down"]
    exact = device.step.kind == "ideal"
    steps = "any" if exact else f"{_three_digits(1 / up)}, {_three_digits(1 / down) if down else 'reset'}"
    return (
        device.name,
        device.step.kind,
        "crossbar's" if device.g_min is None else f"{_siemens(device.g_min)} – {_siemens(device.g_max)}",
        "–" if device.on_off is None else f"{device.on_off:.3g}",
        steps,
        "–" if not down or exact else f"{down / up:.3g}",
        _noise(device),
        device.about,
        device.source.partition(";")[0].partition(",")[0],
    )


def _three_digits(number: float) -> str:
    """Write 1246.9 as 1250."""
    return f"{float(f'{number:.3g}'):g}"


def _noise(device: "Device") -> str:
    noise = device.noise
    if not noise.cycle:
        return "none"
    if noise.even_step is None:
        return f"{100 * noise.cycle:.3g} % of step"
    return f"{100 * noise.cycle * noise.even_step:.3g} % of range"


def _siemens(g: float | None) -> str:
    units = ((1e-3, "mS"), (1e-6, "µS"), (1e-9, "nS"))
    unit, symbol = next(((unit, symbol) for unit, symbol in units if g and g >= unit), (1e-12, "pS"))
    return f"{(g or 0) / unit:.3g} {symbol}"


def _details(device: "Device") -> str:
    """Describe a device in words and units."""
    span = "that of its crossbar"
    if device.g_min is not None:
        span = f"{_siemens(device.g_min)} – {_siemens(device.g_max)}, on/off {device.on_off:.3g}"
    rows = [
        ("about", device.about),
        ("source", device.source),
        ("valid", device.valid),
        *((f"approximate: {key}", why) for key, why in device.approximate.items()),
        ("range", span),
        *_step_rows(device),
        ("noise per pulse", _noise(device)),
        ("write noise", _percent(device.noise.write, " of the range")),
        ("read noise", _percent(device.noise.read)),
        *_spread_rows(device),
        *_time_rows(device),
    ]
    return table((device.name, ""), [(key, value) for key, value in rows if value])


def _percent(share: float, of: str = "") -> str:
    return f"{100 * share:.3g} %{of}" if share else "none"


def _step_rows(device: "Device") -> Iterator[tuple[str, str]]:
    entry = _entry(device)
    parameters = ", ".join(f"{key} {value:.6g}" for key, value in entry["step"].items() if isinstance(value, float))
    yield "model", device.step.kind + (f": {parameters}" if parameters else "")
    down = "resets only" if device.one_sided else f"{100 * entry['step_down']:.3g} %"
    if device.step.kind != "ideal":
        yield "a pulse in the middle", f"up {100 * entry['step_up']:.3g} %, down {down}, of the range"
    pulse = device.pulse
    yield "volts and seconds", f"up {pulse.v_up:g} V for {pulse.t_up:g} s, down {pulse.v_down:g} V for {pulse.t_down:g} s"


def _spread_rows(device: "Device") -> Iterator[tuple[str, str]]:
    spread = device.spread
    yield "spread of steps", _percent(spread.step, f", {spread.law}")
    yield "spread of down/up", _percent(spread.asymmetry)
    yield "spread of the bounds", f"lower {_percent(spread.low)}, upper {_percent(spread.high)}, of the range"
    yield "stuck", f"{100 * device.stuck.share:.3g} %, at {device.stuck.at}" if device.stuck else "none"


def _time_rows(device: "Device") -> Iterator[tuple[str, str]]:
    drift, leak = device.drift, device.leak
    yield "drift", f"nu {drift.nu:g} ± {drift.nu_spread:g}, from {drift.t0:g} s on" if drift else "no model"
    heat = device.temperature_coefficient
    yield "heat", f"{100 * heat:g} % per kelvin" if heat is not None else "no coefficient"
    yield "leak", f"lifetime {leak.lifetime:g} updates, towards {leak.rest:g} of the range" if leak else "none"
