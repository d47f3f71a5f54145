"""gnucap as a third simulator: recorded and, where it is installed, real, it agrees; what it cannot do is an error that reports it.

gnucap-xor.txt is what gnucap 0.36 prints for all nodes of xor's four samples, free and nudged to both sides:

    HWSIM_GNUCAP=tee-script pytest …    # a script that runs gnucap "$@" | tee tests/checks/gnucap-xor.txt
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from hwsim.checks import gnucap
from hwsim.runs.loaded import load_model

RECORDED = Path(__file__).with_name("gnucap-xor.txt")
INSTALLED = [path for path in [shutil.which("gnucap")] if path]


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Install a program that prints some text and ends."""

    def install(text):
        (tmp_path / "text").write_text(text, encoding="utf-8")
        program = tmp_path / "gnucap"
        program.write_text(f"#!/bin/sh\ncat '{tmp_path}/text'\n", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv(gnucap.VARIABLE, str(program))

    return install


@pytest.mark.parametrize("path", ["recorded", *INSTALLED])
def test_gnucap_agrees_with_the_numeric_engine(path, fake, monkeypatch):
    """All nodes of xor in all phases within a millionth of the range; one digit that is wrong does not agree."""
    if path == "recorded":
        fake(RECORDED.read_text(encoding="utf-8"))
    else:
        monkeypatch.setenv(gnucap.VARIABLE, path)
    given = load_model("xor")
    result = gnucap.compare(given.session, given.g, 4)
    assert [finding.name for finding in result] == ["gnucap_dv_free", "gnucap_dv_nudged_up", "gnucap_dv_nudged_down"]
    assert all(finding.holds and 0 < finding.value < 1e-7 for finding in result)
    rows = RECORDED.read_text(encoding="utf-8").splitlines()
    table = [k for k, row in enumerate(rows) if row.startswith("#")]
    row = rows[table[5] + 1]
    word = row.split()[30]
    rows[table[5] + 1] = row.replace(word, word.replace(word[4], "3" if word[4] != "3" else "4", 1), 1)
    fake("\n".join(rows))
    assert [finding.holds for finding in gnucap.compare(given.session, given.g, 4)] == [True, False, True]


def test_numbers_are_read_as_gnucap_writes_them(fake):
    """Suffixes of SPICE, signs and exponents; M is nothing that it writes."""
    fake("* t\n#   v(a) v(b) v(c)\n 0.  970.881u -1.5K 2.Meg\n#   v(a) v(b) v(c)\n 0.  7.8E-20 .5 -3.n\n")
    np.testing.assert_allclose(gnucap.run("", 2), [[970.881e-6, -1500.0, 2e6], [7.8e-20, 0.5, -3e-9]], rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#  v(a)\ndid not converge\n 0. 98.9\n", "did not converge"),
        ("#  v(a)\n 0. 98.9\n", "1 of 2 rows"),
        ("Q1: missing args -- need model name\n", "missing args"),
        ("#  v(a)\n 0. 1.\n#  v(a)\n 0. nan\n", "2 of 2 rows"),
        ("#  v(a)\n 0. 1.\n#  v(a)\n 0. 1. 2.\n", "2 of 2 rows"),
        ("", "0 of 2 rows"),
    ],
)
def test_what_gnucap_could_not_do_is_an_error(text, message, fake):
    """Whatever is no row of numbers for each point."""
    fake(text)
    with pytest.raises(gnucap.GnucapError, match=message):
        gnucap.run("", 2)


def test_a_missing_program_is_an_error(monkeypatch):
    """The message shows how to install it; the exit code is that of bad input."""
    monkeypatch.setenv(gnucap.VARIABLE, "/none/gnucap")
    with pytest.raises(gnucap.GnucapError, match="apt-get install gnucap") as error:
        gnucap.program()
    assert error.value.exit_code == 2
