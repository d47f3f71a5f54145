"""`hwsim compile`: a circuit as a deck that ngspice runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from cli import compile_chain, free_run, options, self_learning
from cli.age import aged
from cli.command import command as make_command
from cli.loading import loaded
from cli.output import Output

if TYPE_CHECKING:
    from hwsim.learning.dataset import Dataset
    from hwsim.runs.loaded import LoadedModel
    from netlists.measure.control import DeckMeasure

Part = Literal["test", "train"]
Dialect = Literal["ngspice", "gnucap"]

_LOOP_ROWS = 100
"""Rows that a loop runs, unless another number is asked for."""

BELONGS = {
    "capacitance": ("settle", "transient"),
    "period": ("transient",),
    "intervals": ("transient", "loop"),
    "feature": ("sweep",),
    "pulses": ("pulses",),
}
"""The measures that each option belongs to."""

EXAMPLE = """\
hwsim compile digits -o digits.cir && ngspice digits.cir
hwsim compile runs/digits-0 --sample 7 -o seven.cir
hwsim compile iris --measure power -o power.cir
hwsim compile iris --measure settle --capacitance 1e-13 -o settle.cir
hwsim compile runs/iris-0 --measure transient --intervals 3 -o steps.cir
hwsim compile iris --measure sweep --input 2 -o sweep.cir
hwsim compile runs/digits-0 --after 30d -o drifted.cir
hwsim compile digits --measure pulses --set device.preset=pcm -o pcm.cir
hwsim compile ff-digits -o decks && ngspice -b decks/b1.cir
hwsim compile runs/lorenz-0 --measure loop --intervals 50 -o loop.cir
hwsim compile xor --self-learning --epochs 100 -o learn.cir
hwsim compile iris --dialect gnucap -o iris.ckt && gnucap -b iris.ckt"""


@make_command("compile", EXAMPLE)
@options.reading("--read-dialect")
@options.data
@options.chip
@options.after
@options.part
@click.option("--seed", type=click.IntRange(min=0), help="Seed of all random streams [default: the experiment's].")
@click.option("-o", "--out", required=True, metavar="FILE", help="Where to write the deck; - is standard output; of a chain, a folder.")
@click.option("--sample", type=click.IntRange(min=0), default=0, show_default=True, help="Number of the sample at the sources.")
@click.option(
    "--position",
    type=click.IntRange(min=0),
    metavar="N",
    help="Of a chain whose blocks have windows: the window's position on its maps, row by row [default: the middle].",
)
@click.option(
    "--dialect",
    type=click.Choice(["ngspice", "gnucap"]),
    default="ngspice",
    show_default=True,
    help="The simulator; for gnucap, only the measure outputs.",
)
@click.option(
    "--measure",
    type=click.Choice(["outputs", "power", "settle", "transient", "sweep", "pulses", "loop"]),
    default="outputs",
    show_default=True,
    help="Output of the deck.",
)
@options.capacitance("settle, transient: from each node without a capacitor to ground [default: 1e-12].")
@click.option("--period", type=options.Number(min=0, min_open=True), metavar="SECONDS", help="transient: of a sample [default: settles].")
@click.option(
    "--intervals",
    type=click.IntRange(min=1),
    metavar="N",
    help="transient: samples one after the other [default: 1]; loop: rows [default: 100].",
)
@click.option("--input", "feature", type=click.IntRange(min=0), metavar="K", help="sweep: the varied feature [default: 0].")
@click.option(
    "--pulses", type=click.IntRange(min=1), metavar="N", help="pulses: number in each direction [default: across the range, at most 256]."
)
@click.option("--flat", is_flag=True, help="Expand a netlist's subcircuits and parameters: a card for each element.")
@self_learning.options
@options.force
def command(  # noqa: PLR0913, PLR0917 - a parameter an option
    output: Output,
    what: str,
    settings: tuple[str, ...],
    data: str | None,
    chip: int | None,
    after: float | None,
    part: Part,
    seed: int | None,
    out: str,
    sample: int,
    position: int | None,
    force: bool,  # noqa: FBT001 - click's
    dialect: Dialect,
    flat: bool,  # noqa: FBT001 - click passes it by name
    learning: dict[str, Any] | None,
    **measured: Any,
) -> None:
    """Write a circuit as a deck: `ngspice deck.cir` prints the outputs of one sample, free and nudged.

    A chain of blocks is written as a folder with a deck for each circuit, driven by what the sample makes of the blocks before it.

    --measure adds to its output. power: the watts that each crossbar, neuron, amplifier and nudge takes, and that the sources
    deliver, in every phase. settle: the seconds to 1 % and to 0.1 % of the equilibrium, from 0 V to the free one and on to the nudged ones,
    with a capacitor at each node. transient: a table of the outputs while samples, from --sample on, are held one after the other for a
    period each, from 0 V on, as hwsim run does; of an experiment with a reservoir, its rows drive that. sweep: a table of the outputs
    while one input goes through its range. loop: a reservoir that foretells its next inputs, whose outputs drive it from the end of the
    training set on; what learnt in a loop is written so without being asked. pulses: one memristor
    of the kind that device.preset names, programmed pulse by pulse in time, and its conductance next to the model's.

    --self-learning writes a circuit that learns with no program next to it: two twins, nudged apart, whose conductances are the voltages
    of capacitors that charge by the difference of their own squared voltages, while the samples come round.
    """
    from hwsim.files import atomic  # noqa: PLC0415 - help does without
    from hwsim.sweep import outputs  # noqa: PLC0415 - help does without

    measure: str = measured.pop("measure")
    if out == "-" and output.json:
        msg = "--json and the deck would both go to standard output; name a file with -o"
        raise click.UsageError(msg)
    _refuse_options(measure, measured, dialect, after, flat=flat)
    epochs = self_learning.epochs(learning, plain=measure == "outputs" and dialect == "ngspice" and not flat and not after)
    given = loaded(output, what, options.overrides(settings, data=data, chip=chip, after=after, seed=seed, epochs=epochs), chip=chip)
    if measure == "loop" or (measure == "outputs" and _forced(given)):
        _refuse_beside_loop(dialect, after, position, flat=flat, learning=learning is not None)
        free_run.deck(output, given, measured["intervals"] or _LOOP_ROWS, out, force=force)
        return
    if measure == "transient" and given.experiment.reservoir is not None:
        from hwsim.runs.front import in_front, period_of  # noqa: PLC0415 - for reservoirs alone

        measured["period"] = measured["period"] or period_of(given)
        given = in_front(given)
    if given.experiment.blocks is not None:
        self_learning.refuse_chain(learning)
        from hwsim.runs.chain_decks import ShownSample  # noqa: PLC0415 - for chains alone

        shown = ShownSample(part, sample, position)
        compile_chain.write(output, given, Path(out), shown=shown, measure=measure, force=force, dialect=dialect, flat=flat)
        return
    if position is not None:
        msg = f"--position is of a chain whose blocks have windows, and {what} is one circuit; omit it"
        raise click.UsageError(msg)
    written = [outputs.OutputFile("-o", Path(out), outputs.DECK)] if out != "-" else []
    outputs.refuse(written, outputs.inputs(what, given.experiment), force=force)
    age = aged(output, given)
    if measure == "pulses" or learning is not None:
        _refuse_samples("one device has none" if measure == "pulses" else "one that learns by itself shows them all")
    if measure == "pulses":
        text, elements, nodes = _pulses(given, measured["pulses"]), 1, 1
    else:
        text, elements, nodes = (
            self_learning.text(output, given, learning)
            if learning is not None
            else _deck(output, given, part, sample, dialect, _Measured(measure, measured, flat=flat)),
            sum(map(len, given.circuit.elements)),
            given.circuit.size,
        )
    if out == "-":
        output.raw(text)
        return
    atomic.write(Path(out), text)
    result = {"what": what, "file": out, "measure": measure, "elements": elements, "nodes": nodes, "bytes": len(text.encode())} | age
    output.result(result, f"{out}: {elements} elements, {nodes} nodes, {result['bytes']} bytes; run it: {dialect} -b {out}")


def _forced(given: "LoadedModel") -> bool:
    """Whether it learnt in a loop, which then is what its deck shows."""
    return any(getattr(getattr(block, "optimizer", None), "kind", "") == "force" for block in given.experiment.blocks or ())


def _refuse_beside_loop(dialect: Dialect, after: float | None, position: int | None, *, flat: bool, learning: bool) -> None:
    """Refuse options of decks of samples next to a loop, whose deck is for ngspice."""
    _refuse_samples("a loop has none")
    others = {
        "dialect gnucap": dialect == "gnucap",
        "after": after,
        "position": position is not None,
        "flat": flat,
        "self-learning": learning,
    }
    for name, given in others.items():
        if given:
            msg = f"--{name} is of decks that show a sample, and a loop has none; omit it"
            raise click.UsageError(msg)


def _refuse_samples(why: str) -> None:
    """Refuse options that choose a sample."""
    if option := options.first_typed(("sample", "part")):
        msg = f"{option} is of decks that show a sample, and {why}; omit it"
        raise click.UsageError(msg)


def _refuse_options(measure: str, measured: dict[str, Any], dialect: Dialect, after: float | None, *, flat: bool) -> None:
    """Refuse options that do not go together."""
    for name, value in measured.items():
        if value is not None and measure not in BELONGS[name]:
            option = "input" if name == "feature" else name
            msg = f"--{option} is for --measure {' and '.join(BELONGS[name])}"
            raise click.UsageError(msg)
    if dialect == "gnucap" and measure != "outputs":
        msg = f"--measure {measure} needs commands of ngspice; omit --dialect gnucap"
        raise click.UsageError(msg)
    if after and measure == "pulses":
        msg = "--after applies to a whole chip, and --measure pulses to one memristor; omit one of them"
        raise click.UsageError(msg)
    if flat and (dialect == "gnucap" or measure == "pulses"):
        msg = "--flat applies to a netlist of a user, written for ngspice; omit it"
        raise click.UsageError(msg)


class _Measured(NamedTuple):
    """The measure of a deck, its options, and whether the deck is expanded."""

    name: str
    options: dict[str, Any]
    flat: bool


def _deck(output: Output, given: "LoadedModel", part: Part, sample: int, dialect: Dialect, measured: _Measured) -> str:
    from hwsim.runs.deck import deck, gnucap_deck  # noqa: PLC0415 - help does without

    samples = given.session.data
    output.notes(samples.notes)
    options.in_part(range(sample, sample + 1), len(samples.x_test if part == "test" else samples.x_train), part)
    if dialect == "gnucap":
        return gnucap_deck(given.session, given.g, part=part, sample=sample, notes=(given.note,))
    if measured.name == "transient":
        return _in_time(given, part, sample, measured)
    chosen = _measure(measured, given, samples)
    return deck(given.session, given.g, part=part, sample=sample, notes=(given.note,), measure=chosen, flat=measured.flat)


def _measure(measured: _Measured, given: "LoadedModel", samples: "Dataset") -> "DeckMeasure":
    from circuits.capacitors import CAPACITANCE  # noqa: PLC0415 - for this command alone
    from hwsim.runs.deck import settling, sweeping  # noqa: PLC0415 - help does without
    from netlists.measure.control import OUTPUTS  # noqa: PLC0415 - for this command alone
    from netlists.measure.power import PowerMeasure  # noqa: PLC0415 - for this command alone

    match measured.name:
        case "power":
            return PowerMeasure()
        case "settle":
            return settling(given.circuit, given.g, measured.options["capacitance"] or CAPACITANCE)
        case "sweep":
            return sweeping(measured.options["feature"] or 0, samples)
        case _:
            return OUTPUTS


def _in_time(given: "LoadedModel", part: Part, sample: int, measured: _Measured) -> str:
    from circuits.capacitors import CAPACITANCE  # noqa: PLC0415 - for this command alone
    from hwsim.runs.deck import transient_deck  # noqa: PLC0415 - help does without
    from hwsim.runs.time_run import TimeRun  # noqa: PLC0415 - for this command alone

    intervals, x = measured.options["intervals"] or 1, getattr(given.session.data, f"x_{part}")
    rows = x[options.in_part(range(sample, sample + intervals), len(x), part)]
    farads = measured.options["capacitance"] or CAPACITANCE
    run = TimeRun.of(given.session, given.g, rows, period=measured.options["period"], capacitance=farads)
    return transient_deck(given.session, run, given.g, part=part, sample=sample, notes=(given.note,))


def _pulses(given: "LoadedModel", pulses: int | None) -> str:
    from hwsim.devices.spice import pulse_train_deck  # noqa: PLC0415 - help does without

    return pulse_train_deck(given.experiment.device, given.circuit, pulses)
