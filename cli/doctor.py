"""`hwsim doctor`: what hwsim needs, and whether it is here."""

from dataclasses import asdict

from cli.command import command as make_command
from cli.output import Output
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
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        mark = "ok" if finding.ok else "LACKS" if finding.needed else "note"
        lines.append(f"{mark:<5}  {finding.name:<{width}}  {finding.found}")
        if not finding.ok:
            lines.append(f"       {'':<{width}}  → {finding.remedy}")
    return "\n".join([*lines, "", "Everything that is needed is here." if ok else "Something that is needed lacks; see the arrows."])
