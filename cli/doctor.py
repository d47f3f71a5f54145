"""`hwsim doctor`: the requirements of hwsim on this machine."""

from dataclasses import asdict

from cli.command import command as make_command
from cli.output import Output
from cli.tables import table
from hwsim.checks.doctor import Diagnosis, examine


@make_command("doctor", "hwsim doctor\nhwsim doctor --json")
def command(output: Output) -> int:
    """Check Python, packages, ngspice and its library, JAX devices, data and cache; print the remedy for what is missing.

    Exits with 1 when something required is missing. Optional data are only reported.
    """
    findings = list(examine())
    ok = all(finding.ok for finding in findings if finding.needed)
    output.result({"ok": ok, "findings": [asdict(finding) for finding in findings]}, _text(findings, ok=ok))
    return 0 if ok else 1


def _text(findings: list[Diagnosis], *, ok: bool) -> str:
    rows = [
        (
            "ok" if finding.ok else "MISSING" if finding.needed else "note",
            finding.name,
            finding.found if finding.ok else f"{finding.found}\n→ {finding.remedy}",
        )
        for finding in findings
    ]
    listed = table(("", "what", "found"), rows)
    return f"{listed}\n\n{'Everything required is installed.' if ok else 'Something required is missing; see the arrows.'}"
