"""`hwsim doctor`: what hwsim needs, and whether it is here."""

from dataclasses import asdict

from cli.command import command as make_command
from cli.output import Output
from cli.tables import table
from hwsim.checks.doctor import Finding, examine


@make_command("doctor", "hwsim doctor\nhwsim doctor --json")
def command(output: Output) -> int:
    """Look for Python, packages, ngspice and its library, JAX devices, data and cache; say what to do for each lack.

    Exits with 1 when something that is needed lacks. Data that hwsim can do without are only noted.
    """
    findings = list(examine())
    ok = all(finding.ok for finding in findings if finding.needed)
    output.result({"ok": ok, "findings": [asdict(finding) for finding in findings]}, _text(findings, ok=ok))
    return 0 if ok else 1


def _text(findings: list[Finding], *, ok: bool) -> str:
    rows = [
        (
            "ok" if finding.ok else "MISSING" if finding.needed else "note",
            finding.name,
            finding.found if finding.ok else f"{finding.found}\n→ {finding.remedy}",
        )
        for finding in findings
    ]
    listed = table(("", "what", "found"), rows)
    return f"{listed}\n\n{'Everything that is needed is here.' if ok else 'Something that is needed is missing; see the arrows.'}"
