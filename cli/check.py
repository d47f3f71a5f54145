"""`hwsim check`: compare engines, gradient and Kirchhoff's law with each other, and on request with another simulator."""

from dataclasses import replace

import click

from cli import options, self_learning
from cli.command import command as make_command
from cli.loading import loaded
from cli.output import Output
from cli.tables import table

_LARGE = 50_000
"""Memristors; beyond, ngspice solves two samples only by default."""


@make_command(
    "check",
    "hwsim check iris\nhwsim check mnist-kendall2020 --ngspice-samples 2\nhwsim check iris --witness gnucap\n"
    "hwsim check iris --set circuit.capacitance=1e-12\n"
    "hwsim check learn.cir",
)
@options.what
@options.data
@options.chip
@click.option("--samples", type=click.IntRange(min=1), default=20, show_default=True, help="Samples of the training set to compare on.")
@click.option("--ngspice-samples", type=click.IntRange(min=1), help="Number of these for ngspice [default: all; 2 for large circuits].")
@click.option("--witness", type=click.Choice(["gnucap"]), help="Compare node voltages with this simulator's too, where it is installed.")
def command(  # noqa: PLR0913, PLR0917 - a parameter an option
    output: Output,
    what: str,
    settings: tuple[str, ...],
    data: str | None,
    chip: int | None,
    samples: int,
    ngspice_samples: int | None,
    witness: str | None,
) -> int:
    """Compare both engines free and nudged, the gradient with finite differences and the adjoint; test Kirchhoff's law.

    Of a circuit with capacitors (circuit.capacitance), trajectories of both engines and of SciPy's Radau are compared too. Of a deck
    that learns by itself (hwsim compile --self-learning), the first --samples presentations are compared with the gradient flow.
    """
    from hwsim.checks import gnucap  # noqa: PLC0415 - help does without
    from hwsim.checks.check import check  # noqa: PLC0415 - for this command alone
    from hwsim.experiment.engines import make_engine  # noqa: PLC0415 - for this command alone

    if self_learning.is_deck(what):
        return self_learning.check(output, what, samples)
    if witness:
        gnucap.program()  # refuses before anything is computed
    given = loaded(output, what, options.overrides(settings, data=data, chip=chip), chip=chip)
    few = ngspice_samples or (samples if sum(map(len, given.circuit.trainable)) < _LARGE else 2)
    reference = make_engine("ngspice", given.experiment.solver)
    data_set = given.session.data
    output.notes(data_set.notes)
    report = check(given.session, given.g, reference, samples=samples, reference_samples=min(few, samples))
    if given.experiment.reservoir is not None:
        from hwsim.checks.in_time import in_time  # noqa: PLC0415 - for reservoirs alone
        from hwsim.runs.front import in_front  # noqa: PLC0415 - as above

        front = in_front(given)
        report = replace(report, findings=(*report.findings, *in_time(front.session, front.g, reference)))
    if witness:
        report = replace(report, findings=(*report.findings, *gnucap.compare(given.session, given.g, min(few, samples))))
    if report.samples < samples:
        output.note(f"{what}: its training set has {report.samples} samples; all are compared")
    if report.note:
        output.note(f"{what}: {report.note}")
    findings = {f.name: {"value": f.value, "limit": f.limit, "unit": f.unit, "holds": f.holds} for f in report.findings}
    result = {
        "what": what,
        "samples": report.samples,
        "ngspice_samples": report.ngspice_samples,
        "engines_max_dv": max((f.value for f in report.findings if f.name.startswith("engines_dv")), default=None),
        "gradient_max_rel": report.value("gradient_max_rel"),
        "findings": findings,
        "passed": report.passed,
    }
    rows = [(f.name, f"{f.value:.2e}", f"{f.limit:.2g}", "holds" if f.holds else "FAILS", f.unit) for f in report.findings]
    output.result(result, table(("check", "value", "limit", "", "unit"), rows))
    return 0 if report.passed else 1
