"""What hwsim is built on: locked with hashes, complete, and under licences that go with the GPL."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+?)(?: ;.*?)? \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINNED = {found[1].lower(): found[2] for found in PIN.finditer(LOCK)}

COMPATIBLE = re.compile(
    r"MIT|BSD|Apache|MPL|Mozilla|PSF|Python Software Foundation|GPL-3|GNU General Public License|Zlib|CC0|ISC|0BSD|HPND|Unlicense",
    re.IGNORECASE,
)
"""Source: the Free Software Foundation's list of licences; Apache-2.0 and MPL-2.0 go with version 3 of the GPL."""


def licence_of(name):
    """Give what a package says of its licence: the expression, else the classifiers, else a line."""
    found = metadata.metadata(name)
    classifiers = [line.rpartition("::")[2].strip() for line in found.get_all("Classifier", []) if line.startswith("License ::")]
    return found.get("License-Expression") or "; ".join(classifiers) or (found.get("License") or "").splitlines()[0]


def test_every_package_is_locked_with_its_hashes():
    """Then pip takes no other file than those that were there when the lock was made."""
    lines = [line for line in LOCK.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(PINNED) == len(lines) > 50
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)]
    assert {re.split(r"[<>=\[; ]", name)[0].lower() for name in wanted} <= set(PINNED)
    assert all(">=" in name for name in wanted)


@pytest.mark.parametrize("name", sorted(PINNED))
def test_licences_go_with_the_gpl(name):
    """Each that is installed here says one; some are for other systems."""
    try:
        licence = licence_of(name)
    except metadata.PackageNotFoundError:
        assert f"{name}=={PINNED[name]} ; " in LOCK
        return
    assert COMPATIBLE.search(licence), f"{name}: {licence}"
