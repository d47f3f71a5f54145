"""What hwsim is built on: locked with hashes, complete, and under licences that go with the GPL."""

import re
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME, DEV = ((ROOT / name).read_text(encoding="utf-8") for name in ("requirements.lock", ".ci/dev.lock"))
PIN = re.compile(r"^([a-z0-9-]+(?:\[.+\])?==.+?) \\\n(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", re.MULTILINE)

COMPATIBLE = re.compile(
    r"MIT|BSD|Apache|MPL|Mozilla|PSF|Python Software Foundation|GPL-3|GNU General Public License|Zlib|CC0|ISC|0BSD|HPND|Unlicense",
    re.IGNORECASE,
)
"""Source: the Free Software Foundation's list of licences; Apache-2.0 and MPL-2.0 go with version 3 of the GPL."""


def pinned(*locks):
    """Read what locks pin on this system, by name."""
    pins = [Requirement(pin[1]) for lock in locks for pin in PIN.finditer(lock)]
    return {pin.name: pin for pin in pins if pin.marker is None or pin.marker.evaluate()}


@cache
def requirements(name):
    """Read what an installed package asks for."""
    return [Requirement(text) for text in metadata.requires(name) or []]


def canonical(requirement):
    """Write a requirement's name as locks do."""
    return re.sub(r"[-_.]+", "-", requirement.name).lower()


def declared(*extras):
    """Read what hwsim declares, with some of its extras."""
    texts = [*PROJECT["dependencies"], *(text for extra in extras for text in PROJECT["optional-dependencies"][extra])]
    return [Requirement(text) for text in texts]


def walk(asked, pins):
    """Split all that is asked for, directly or through another package, into names that pins satisfy and lines on what they do not."""
    waiting, reached, wrong = [("hwsim", requirement) for requirement in asked], set(), set()
    while waiting:
        asker, requirement = waiting.pop()
        name = canonical(requirement)
        pin = pins.get(name)
        if pin is None or not requirement.specifier.contains(str(pin.specifier).removeprefix("=="), prereleases=True):
            wrong.add(f"{asker} needs {requirement}, locked is {pin}")
            continue
        for extra in {"", *requirement.extras} - {extra for expected, extra in reached if expected == name}:
            reached.add((name, extra))
            needed = [inner for inner in requirements(name) if inner.marker is None or inner.marker.evaluate({"extra": extra})]
            waiting += [(name, inner) for inner in needed]
    return {name for name, _ in reached}, wrong


def licence_of(name):
    """Read what a package states of its licence: the expression, else the classifiers, else a line."""
    described = metadata.metadata(name)
    classifiers = [line.rpartition("::")[2].strip() for line in described.get_all("Classifier", []) if line.startswith("License ::")]
    return described.get("License-Expression") or "; ".join(classifiers) or (described.get("License") or "").splitlines()[0]


@pytest.mark.parametrize("lock", [RUNTIME, DEV])
def test_every_package_is_locked_with_its_hashes(lock):
    """Then pip takes no other file than those that were there when the lock was made."""
    lines = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(PIN.findall(lock)) == len(lines) >= 10


@pytest.mark.parametrize(("locks", "extras"), [([RUNTIME], ["build"]), ([RUNTIME, DEV], ["build", "dev"])])
def test_the_locks_are_complete(locks, extras):
    """All that hwsim and its packages ask for, extras of packages included, is locked in a version that fits, and nothing else is."""
    pins = pinned(*locks)
    reached, wrong = walk(declared(*extras), pins)
    assert not wrong
    assert reached == set(pins)


@pytest.mark.parametrize("name", sorted(pinned(RUNTIME, DEV)))
def test_no_package_can_be_missing_from_the_locks(name):
    """Without any one of them the locks are incomplete."""
    pins = pinned(RUNTIME, DEV)
    del pins[name]
    _, wrong = walk(declared("build", "dev"), pins)
    assert any(f" needs {name}" in line.lower().replace("_", "-") for line in wrong)


def test_training_installs_no_tools():
    """What tests and checks need is in the second lock alone, and every declared package has a least version."""
    assert not set(pinned(RUNTIME)) & set(pinned(DEV))
    assert {canonical(tool) for tool in declared("dev")} - {canonical(needed) for needed in declared()} <= set(pinned(DEV))
    assert all(">=" in str(requirement.specifier) for requirement in declared("build", "dev"))


@pytest.mark.parametrize("name", sorted(pinned(RUNTIME, DEV)))
def test_licences_go_with_the_gpl(name):
    """Every package that is installed here states one of them."""
    licence = licence_of(name)
    assert COMPATIBLE.search(licence), f"{name}: {licence}"


def test_the_citation_is_of_this_version():
    """CITATION.cff and the package state one version and one licence, and the licence's text is there."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cited["cff-version"], cited["version"], cited["license"]) == ("1.2.0", PROJECT["version"], PROJECT["license"])
    assert PROJECT["license-files"] == ["LICENSE"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").split()[:4] == ["GNU", "GENERAL", "PUBLIC", "LICENSE"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(reference.get("doi", reference.get("url")) in readme for reference in cited["references"])
