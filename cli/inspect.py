"""`hwsim inspect`: blocks, numbers and warnings of a circuit."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from circuits.clocked import is_clocked
from circuits.elements import Capacitors
from circuits.errors import CircuitError
from cli import options
from cli.command import command as make_command
from cli.output import Output
from cli.tables import table, wrapped

if TYPE_CHECKING:
    from circuits.chip import Chip
    from hwsim.formatting import Measure
    from hwsim.runs.loaded import LoadedModel


@make_command("inspect", "hwsim inspect my.cir\nhwsim inspect digits --plot digits.png\nhwsim inspect runs/iris-0 --heat")
@options.what
@options.plot("Draw the schematic, or the graph of a large circuit, conductances and neurons.")
@options.force
@click.option("--heat", is_flag=True, help="Also measure the temperature range of a trained circuit.")
def command(output: Output, what: str, settings: tuple[str, ...], plot: Path | None, *, force: bool, heat: bool) -> None:
    """Describe a circuit: blocks, layers, counts, ranges, and warnings.

    It warns of nodes that float, of nodes independent of the inputs or without effect on the outputs, of circuits that are odd functions
    of their inputs, of conductances at their bounds, and of subcircuits with more pins than ngspice takes. Of a circuit with capacitors it
    prints how fast it settles, whether it is certain to forget how it began, and the bandwidth of learning: up to which frequency a nudge
    moves the devices of an array by 1/√2 of what a slow one does. With --heat it also warns where, from -40 to 125 °C, the
    test error of a run exceeds that at its own temperature by more than a point, or an RMSE by more than a tenth.
    """
    from hwsim.experiment.netlist_circuit import Netlist, read_for  # noqa: PLC0415 - for this command alone
    from hwsim.files import atomic  # noqa: PLC0415 - help does without
    from hwsim.inspection.inspection import inspect  # noqa: PLC0415 - for this command alone
    from hwsim.runs.loaded import load_model  # noqa: PLC0415 - for this command alone
    from hwsim.sweep import outputs  # noqa: PLC0415 - help does without

    with read_for("inspect"):
        given = load_model(what, settings)
        circuit = given.experiment.circuit
        deck = circuit.deck if isinstance(circuit, Netlist) else None
        pictures = [] if plot is None else [outputs.OutputFile("--plot", plot, outputs.PICTURE)]
        outputs.refuse(pictures, outputs.inputs(what, given.experiment), force=force)
        if given.experiment.blocks is not None and plot is not None:
            msg = f"--plot draws one circuit, and {what} is a chain"
            first = next((k for k, block in enumerate(given.experiment.blocks, start=1) if block.kind == "circuit"), None)
            if first is not None:
                msg += f"; hwsim compile {what} -o FOLDER, then hwsim inspect FOLDER/b{first}.cir --plot"
            raise click.UsageError(msg)
    front = [] if given.experiment.reservoir is None else [(given.session.reservoir.chip, given.session.reservoir.g)]
    parts: list[Any] = [*front, *((chip, {e.name: given.g[e.name] for e in chip.circuit.trainable}) for chip in given.chip.members)]
    each = [inspect(chip.circuit, chip, g, deck, learns=k >= len(front)) for k, (chip, g) in enumerate(parts)]
    warnings = [*(warning for one in each for warning in one.warnings), *([given.cut] if given.cut else [])]
    described: list[dict[str, Any]] = [
        {"layers": one.layers, "solver": one.solver, "counts": one.counts, "blocks": one.blocks} | _in_time(*part)
        for one, part in zip(each, parts, strict=True)
    ]
    before: dict[str, Any] = {"reservoir": described.pop(0)} if front else {}
    if given.experiment.blocks is not None:
        result: dict[str, Any] = {"what": what, **before, "chain": _chain(given, described), "warnings": warnings}
    else:
        result = {"what": what, **before, **described[0], "warnings": warnings}
    if heat:
        result |= _heat(what, settings, warnings)
    if plot is not None:
        from hwsim.inspection.pictures import overview  # noqa: PLC0415 - drawing takes a second to load
        from hwsim.inspection.schematic import drawing  # noqa: PLC0415 - for this command alone

        drawn, why = drawing(given.circuit, given.chip, given.g)
        atomic.write(plot, overview(each[0], drawn, given.experiment.name))
        output.note(f"{plot}: {f'a graph, no schematic: {why}; with' if why else 'the schematic,'} conductances and neurons")
    texts = [_circuit(described[0])] if "chain" not in result else [_block(k, one) for k, one in enumerate(result["chain"])]
    texts = [f"the reservoir\n\n{_circuit(before['reservoir'])}", *texts] if before else texts
    output.result(result, "\n\n".join((*texts, _ending(result, given.experiment.data.measure))))


def _chain(given: "LoadedModel", circuits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Describe all blocks of a chain in order, circuits by what is known of each already."""
    chain: Any = given.circuit
    digital, described = dict(chain.digital), iter(circuits)
    return [
        {"kind": block.kind, "about": digital[k].described if k in digital else block.described, "makes": list(chain.ends[k][1])}
        | ({"parameters": _parameters(digital[k], given.g)} if k in digital else next(described))
        for k, block in enumerate(given.experiment.blocks or ())
    ]


def _parameters(part: Any, g: Any) -> list[dict[str, Any]]:
    """Describe the arrays of a digital block's parameters."""
    return [
        {"name": array.name, "shape": list(array.shape), "least": float(np.min(g[array.name])), "most": float(np.max(g[array.name]))}
        for array in part.trainable
    ]


def _in_time(chip: "Chip", g: Any) -> dict[str, dict[str, Any]]:
    """Return the rates [1/s] and bandwidths [Hz] of a circuit with capacitors, or what a clock does; none where it has no state form."""
    if is_clocked(chip.circuit):
        return {"clocked": _clocked(chip, g)}
    if not chip.circuit.of(Capacitors):
        return {}
    from hwsim.core.protocol import UnsupportedCircuitError  # noqa: PLC0415 - help does without
    from hwsim.numeric.transient.bandwidth import bandwidths  # noqa: PLC0415 - for circuits with capacitors alone
    from hwsim.numeric.transient.forgetting import forgetting_rate  # noqa: PLC0415 - for circuits with capacitors alone
    from hwsim.numeric.transient.state_form import StateForm  # noqa: PLC0415 - as above

    try:
        form = StateForm.of(chip.circuit, chip, g)
    except (UnsupportedCircuitError, CircuitError):
        return {"in_time": {"settling_rate": None, "forgetting_rate": None, "bandwidth": None}}
    rates = {"settling_rate": form.settling_rate, "forgetting_rate": forgetting_rate(form)}
    return {"in_time": {**rates, "bandwidth": bandwidths(chip.circuit, chip, g)}}


def _clocked(chip: "Chip", g: Any) -> dict[str, float | None]:
    """Return the spectral radius of a clocked circuit's weights, and the factor by which a clock is certain to shrink differences."""
    from hwsim.core.protocol import UnsupportedCircuitError  # noqa: PLC0415 - help does without
    from hwsim.numeric.transient.clocked_forgetting import clock_contraction, spectral_radius  # noqa: PLC0415 - as above
    from hwsim.numeric.transient.clocked_form import ClockedForm  # noqa: PLC0415 - for clocked circuits alone

    try:
        form = ClockedForm.of(chip.circuit, chip, g)
    except (UnsupportedCircuitError, CircuitError):
        return {"spectral_radius": None, "contraction": None}
    return {"spectral_radius": spectral_radius(form), "contraction": clock_contraction(form)}


def _heat(what: str, settings: tuple[str, ...], warnings: list[str]) -> dict[str, Any]:
    from hwsim.inspection.heat import tolerance  # noqa: PLC0415 - help does without

    limits = tolerance(what, settings)
    measured = [{"temperature_C": celsius, "test_error": error} for celsius, error in limits.errors.items()]
    heat = {"trained_at_C": limits.trained_at, "coldest_C": limits.coldest, "hottest_C": limits.hottest, "errors": measured}
    return {"heat": heat, "warnings": [*warnings, *([limits.warning] if limits.warning else [])]}


def _spelled(rates: dict[str, Any]) -> str:
    settling, forgetting = rates["settling_rate"], rates["forgetting_rate"]
    if settling is None:
        return "in time: the numeric engine does not integrate it"
    grows = "" if settling > 0 else ": a small voltage grows until diodes limit it"
    certain = "no certificate that it forgets how it began"
    if forgetting is not None and forgetting > 0:
        certain = f"certain to forget how it began, at {forgetting:.3g}/s or faster (echo state property)"
    reached = rates["bandwidth"]
    nudges = (
        ""
        if reached is None
        else f"; a nudge may oscillate {', '.join(f'up to {most:.3g} Hz for {name}' for name, most in reached.items())}"
    )
    return f"in time: settles at {settling:.3g}/s without its diodes{grows}; {certain}{nudges}"


def _ticking(of: dict[str, float | None]) -> str:
    radius, factor = of["spectral_radius"], of["contraction"]
    if radius is None:
        return "clocked: the numeric engine does not run it"
    certain = "no certificate that it forgets how it began"
    if factor is not None and factor < 1:
        certain = f"certain to forget how it began, by a factor of {factor:.3g} a clock or less (echo state property)"
    return f"clocked: weights of spectral radius {radius:.3g} without diodes; {certain}"


def _block(k: int, one: dict[str, Any]) -> str:
    head = f"blocks[{k}], {one['about']}; makes {'×'.join(map(str, one['makes']))} numbers of a sample"
    if one["kind"] == "circuit":
        return f"{head}\n\n{_circuit(one)}"
    rows = [(array["name"], "×".join(map(str, array["shape"])), _span([array["least"], array["most"]])) for array in one["parameters"]]
    return f"{head}\n\n{table(('parameters', 'size', 'numbers'), rows)}" if rows else head


def _circuit(result: dict[str, Any]) -> str:
    from hwsim.formatting import counted  # noqa: PLC0415 - help does without

    form = {
        "layers": f"layers {'-'.join(map(str, result['layers'] or ()))}, solved by sweeps over its layers",
        "ports": "no chain of layers, solved by its ports (numeric engine)",
        "ngspice": "no chain of layers, solved by ngspice only",
        None: "without solution while nodes float",
    }[result["solver"]]
    counts = wrapped(", ".join(counted(count, *_KINDS.get(kind, (kind, kind))) for kind, count in result["counts"].items()))
    rows = [(block["kind"], block.get("name", ""), _size(block), _numbers(block)) for block in result["blocks"]]
    described = {"in_time": _spelled, "clocked": _ticking}
    in_time = [wrapped(describe(result[what])) for what, describe in described.items() if what in result]
    return "\n".join([form, counts, *in_time, "", table(("block", "name", "size", "numbers"), rows)])


def _ending(result: dict[str, Any], measure: "Measure") -> str:
    """Format the temperatures, if they were measured, and the warnings."""
    warnings = [wrapped(f"warning: {warning}", "  ") for warning in result["warnings"]] or ["no warnings"]
    heat = []
    if "heat" in result:
        errors = [(f"{one['temperature_C']:g}", measure.number(one["test_error"])) for one in result["heat"]["errors"]]
        heat = [table(("temperature [°C]", measure.head("test")), errors), ""]
    return "\n".join([*heat, *warnings])


def _size(block: dict[str, Any]) -> str:
    return f"{block['rows']}×{block['columns']}" if "rows" in block else str(block["count"])


def _numbers(block: dict[str, Any]) -> str:
    if "least" in block:
        text = f"{_si(block['least'], 'S')} to {_si(block['most'], 'S')}, median {_si(block['median'], 'S')}"
        if "g_min" in block:
            text += f"; bounds {_si(block['g_min'], 'S')} ({block['at_g_min']} there) and {_si(block['g_max'], 'S')} ({block['at_g_max']})"
        return text + (f"; {block['in_crossbars']} in crossbars" if block.get("in_crossbars") else "")
    if "gain" in block:
        return ", ".join(f"{name} {_span(block[name])}" for name in ("gain", "back")) + f", offset {_span(block['offset'])} V"
    rails = ", ".join(f"{rail:g}" for rail in block["rails"])
    junction = f"i_sat {_si(block['i_sat'], 'A')}" if block["i_sat"] else "ideal"
    return f"rails at {rails} V, {junction}; at {', '.join(block['nodes'])}{' …' if block['count'] > len(block['nodes']) else ''}"


def _span(ends: list[float]) -> str:
    return f"{ends[0]:g}" if ends[0] == ends[1] else f"{ends[0]:g} to {ends[1]:g}"


def _si(value: float, unit: str) -> str:
    """Write a number with the prefix that leaves one to three digits before the point."""
    prefixes = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M"}
    exponent = next((e for e in reversed(prefixes) if abs(value) >= 0.9995 * 10.0**e), -15)
    return f"{value / 10.0**exponent:.3g} {prefixes[exponent]}{unit}"


_KINDS = {
    "nodes": ("node", "nodes"),
    "inputs": ("input", "inputs"),
    "outputs": ("output", "outputs"),
    "Crossbar": ("memristor in crossbars", "memristors in crossbars"),
    "Convolution": ("memristor in convolutions", "memristors in convolutions"),
    "Twins": ("memristor of columns with twins", "memristors of columns with twins"),
    "Pooling": ("fixed resistor in pools", "fixed resistors in pools"),
    "SharedLoad": ("resistor of a learned load", "resistors of learned loads"),
    "Bundles": ("fixed resistor at comparators", "fixed resistors at comparators"),
    "Memristors": ("trainable resistor", "trainable resistors"),
    "Resistors": ("fixed resistor", "fixed resistors"),
    "Diodes": ("diode", "diodes"),
    "IdealDiodes": ("ideal diode", "ideal diodes"),
    "VoltageSources": ("fixed voltage", "fixed voltages"),
    "InputSources": ("input source", "input sources"),
    "InputCurrents": ("input current", "input currents"),
    "CurrentSources": ("current source", "current sources"),
    "Amplifiers": ("amplifier", "amplifiers"),
    "Nudges": ("nudge", "nudges"),
    "Capacitors": ("capacitor", "capacitors"),
    "Inductors": ("inductor", "inductors"),
    "gmin": ("conductance that ngspice adds (gmin, rshunt)", "conductances that ngspice adds (gmin, rshunt)"),
    "Passed": ("part that only ngspice solves", "parts that only ngspice solves"),
    "VoltageControlledVoltageSources": ("E source", "E sources"),
    "SampleHolds": ("sample-and-hold", "sample-and-holds"),
    "VoltageControlledCurrentSources": ("G source", "G sources"),
    "CurrentControlledCurrentSources": ("F source", "F sources"),
    "CurrentControlledVoltageSources": ("H source", "H sources"),
}
"""Names of the kinds of elements in counts: singular and plural."""
