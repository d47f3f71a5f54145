"""ngspice's library: its version, and what is reported where it is missing or none."""

import re

import pytest

from hwsim.core.protocol import Drive
from hwsim.ngspice import installed
from hwsim.ngspice.installed import VARIABLE, find_library, require_library
from hwsim.ngspice.ngspice_errors import NgspiceError, NgspiceMissingError
from hwsim.ngspice.pool import library_version
from support.workers import G, X, prepared

_USUAL = find_library()


def test_the_library_reports_its_version():
    """What the engine uses is what `hwsim doctor` shows."""
    assert find_library() is not None
    assert re.fullmatch(r"ngspice-\d+", library_version())


def test_a_library_that_is_not_there_is_reported_with_what_to_install(tmp_path, monkeypatch):
    """A path that leads nowhere or to something else; afterwards the right one works in the same process."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "libngspice.so"))
    assert find_library() is None
    with pytest.raises(NgspiceMissingError, match=rf"{VARIABLE} = .*libngspice.so' is no file; install it .*apt-get install") as caught:
        prepared()
    assert caught.value.exit_code == 2
    (tmp_path / "libngspice.so").write_text("no library", encoding="utf-8")
    with prepared() as solver, pytest.raises(NgspiceMissingError, match=r"cannot be loaded: .*apt-get install"):
        solver.solve(G, Drive(X))
    with pytest.raises(NgspiceError, match="cannot be loaded"):
        library_version()
    monkeypatch.setenv(VARIABLE, str(_USUAL))
    assert find_library() == _USUAL
    with prepared() as solver:
        assert solver.solve(G, Drive(X)).result.tolist() == [0, 0]


def test_a_missing_library_is_named_with_its_package(monkeypatch):
    """Neither in the usual places nor where the linker looks."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(installed, "_candidates", lambda: iter(()))
    with pytest.raises(NgspiceMissingError, match="libngspice is not installed; install it"):
        require_library()
