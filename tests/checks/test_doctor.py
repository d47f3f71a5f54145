"""The doctor finds what is here, and for each that is missing names what to do."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.main import main
from hwsim.checks import doctor
from hwsim.ngspice.installed import has_klu

Findings = dict[str, dict[str, object]]


def of(report: str) -> tuple[bool, Findings]:
    """Return `ok` and the findings by name, from JSON."""
    answer = json.loads(report)
    return answer["ok"], {finding["name"]: finding for finding in answer["findings"]}


@pytest.fixture
def diagnose(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Return what runs `hwsim doctor` with some environment variables changed: its exit code and what it states."""

    def run(*options: str, **environment: str) -> tuple[int, str]:
        with monkeypatch.context() as changed:
            for name, value in environment.items():
                changed.setenv(name, value)
            return main(["doctor", *options]), capsys.readouterr().out

    return run


@pytest.fixture
def findings(diagnose: Callable[..., tuple[int, str]]) -> Callable[..., tuple[int, bool, Findings]]:
    """Return what runs `hwsim doctor` so, and gives the exit code, `ok`, and the findings by name."""

    def run(**environment: str) -> tuple[int, bool, Findings]:
        code, report = diagnose("--json", **environment)
        return code, *of(report)

    return run


def test_all_is_well_where_the_tests_run() -> None:
    """Everything that the tests need is found, with its version, and the exit code is 0."""
    code = "import sys; from cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, "doctor", "--json"], capture_output=True, text=True, check=False)
    ok, printed = of(done.stdout)
    assert (done.returncode, ok) == (0, True)
    assert all(finding["ok"] for finding in printed.values() if finding["needed"])
    assert "jax " in str(printed["packages"]["found"])
    assert str(printed["ngspice program"]["found"])[0].isdigit()
    assert re.fullmatch(r"ngspice-\d+.*, (with|without) KLU, .*libngspice.*", str(printed["ngspice library"]["found"]))
    assert "cpu" in str(printed["JAX devices"]["found"])


def test_a_missing_program_is_a_lack(findings, tmp_path: Path) -> None:
    """Without ngspice on the path the exit code is 1 and the remedy names packages to install."""
    code, ok, result = findings(PATH=str(tmp_path))
    assert (code, ok) == (1, False)
    assert result["ngspice program"]["found"] == "not found"
    assert "apt-get install ngspice" in str(result["ngspice program"]["remedy"])


def test_a_broken_program_is_a_lack(findings, tmp_path: Path) -> None:
    """A program called ngspice that is none is not taken for one."""
    program = tmp_path / "ngspice"
    program.write_text("#!/bin/sh\necho cannot execute >&2\nexit 1\n")
    program.chmod(0o755)
    code, _, result = findings(PATH=str(tmp_path))
    assert code == 1
    assert f"{program} does not report its version" in str(result["ngspice program"]["remedy"])


def test_a_missing_library_is_a_lack(findings, tmp_path: Path) -> None:
    """A library that is named but is not there is reported, with the variable that names it."""
    code, ok, result = findings(HWSIM_NGSPICE_LIBRARY=str(tmp_path / "libngspice.so.0"))
    assert (code, ok) == (1, False)
    assert "HWSIM_NGSPICE_LIBRARY" in str(result["ngspice library"]["remedy"])


def test_missing_images_are_only_noted(findings, tmp_path: Path) -> None:
    """Without MNIST hwsim is still well, and the remedy names the variable."""
    code, ok, result = findings(HWSIM_DATA=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert (code, ok) == (0, True)
    assert not result["mnist data"]["ok"]
    assert "HWSIM_DATA" in str(result["mnist data"]["remedy"])


def test_found_images_are_named(findings, tmp_path: Path) -> None:
    """The file that training would read is the one that is shown."""
    (tmp_path / "mnist.npz").touch()
    _, _, result = findings(HWSIM_DATA=str(tmp_path))
    assert result["mnist data"]["found"] == str(tmp_path / "mnist.npz")


def test_a_wrong_data_folder_is_a_lack(findings, tmp_path: Path) -> None:
    """HWSIM_DATA that names no folder is a mistake, not missing data."""
    code, ok, result = findings(HWSIM_DATA=str(tmp_path / "nowhere"))
    assert (code, ok) == (1, False)
    assert "nowhere is not a folder" in str(result["mnist data"]["remedy"])


def test_a_cache_that_cannot_be_made_is_noted(findings, tmp_path: Path) -> None:
    """A cache folder below a file cannot be made: hwsim works on, slower."""
    (tmp_path / "file").touch()
    code, ok, result = findings(XDG_CACHE_HOME=str(tmp_path / "file"))
    assert (code, ok) == (0, True)
    assert not result["cache"]["ok"]
    assert "XDG_CACHE_HOME" in str(result["cache"]["remedy"])


def test_the_text_shows_marks_and_remedies(diagnose, tmp_path: Path) -> None:
    """Each finding has a line with its mark; what is missing has its remedy below; the last line sums up."""
    lines = diagnose(PATH=str(tmp_path))[1].splitlines()
    absent = next(k for k, line in enumerate(lines) if line.startswith("MISSING"))
    assert "ngspice program" in lines[absent]
    assert "→" in "".join(lines[absent + 1 : absent + 3])  # a path that was searched may wrap
    assert lines[-1] == "Something required is missing; see the arrows."
    assert diagnose()[1].splitlines()[-1] == "Everything required is installed."


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0)])
def test_an_untested_python_is_a_lack(version: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Older and newer Pythons than the tested ones are named as such."""
    monkeypatch.setattr(doctor.sys, "version_info", version)
    finding = doctor._python()
    assert not finding.ok
    assert "3.11 to 3.13" in finding.remedy


@pytest.mark.parametrize("wrong", ["no-such-package>=1.0", "numpy>=999"])
def test_a_missing_or_old_package_is_a_lack(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that hwsim depends on and that is missing or too old is named, with the command that installs it."""
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda _: ["click>=8.1", wrong, 'ruff>=999; extra == "dev"'])
    finding = doctor._packages()
    assert not finding.ok
    assert finding.remedy == f"pip install '{wrong}'"
    assert "ruff" not in finding.found


def test_a_library_with_klu_is_recognized(tmp_path: Path) -> None:
    """By what it would print; a file that is not there, or empty, is unknown."""
    library = tmp_path / "libngspice.so.0"
    assert has_klu(library) is None
    for content, expected in (
        (b"", None),
        (b"Using SPARSE 1.3 as Direct Linear Solver\n", False),
        (b"Using KLU as Direct Linear Solver", True),
    ):
        library.write_bytes(content)
        assert has_klu(library) is expected


def test_a_broken_jax_is_a_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever JAX raises becomes a finding, not a traceback."""

    def broken() -> list[object]:
        raise RuntimeError("no backend\nof any kind")

    import jax  # noqa: PLC0415 - only this test needs it

    monkeypatch.setattr(jax, "devices", broken)
    finding = doctor._jax()
    assert not finding.ok
    assert finding.found == "none (no backend)"
