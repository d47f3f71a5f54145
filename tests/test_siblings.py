"""Every command begins by looking whether circuits, netlists and cli are hwsim's: nobody else's code runs in their place."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hwsim import siblings

ROOT = Path(__file__).parent.parent


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Make a folder of installed packages in which hwsim begins, with the record of its files."""
    folder = tmp_path / "site-packages"
    files = [Path("hwsim", name) for name in ("__init__.py", "__main__.py", "siblings.py")]
    files += [Path(name, "__init__.py") for name in siblings.NAMES]
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    distribution(folder, "hwsim", [f"{file},sha256={siblings._digest(folder / file)},1" for file in files])
    (folder / "cli" / "main.py").write_text("def run():\n    print('the command line')\n")
    return folder


def distribution(folder: Path, name: str, record: list[str]) -> None:
    """Enter a distribution and its files as pip does."""
    described = folder / f"{name}-1.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (described / "RECORD").write_text("\n".join([*record, ""]))


RUN = "from hwsim.__main__ import run; run()"


def typed(*path: Path, words: str = "", code: str = RUN, bare: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the entry of the command line, as the program `hwsim` does, with folders to import from.

    `bare` leaves out what is installed for the interpreter: a checkout that is would lend what is missing in the folders.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run(
        [sys.executable, *(["-S"] if bare else []), "-c", f"import sys; sys.path.remove(''); {code}", *words.split()],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_refused(done: subprocess.CompletedProcess[str], *printed: str) -> None:
    """One line, exit code 2, nothing run."""
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    for words in ("hwsim: ", *printed):
        assert words in done.stderr


def test_this_installation_is_whole() -> None:
    """Nothing hides what these tests import, and hwsim's program is the entry that looks first."""
    assert siblings.shadowed() is None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"hwsim": "hwsim.__main__:run"}


def test_what_is_whole_runs(installed: Path) -> None:
    """Then the command line runs, and no file is reported as altered."""
    done = typed(installed)
    assert (done.returncode, done.stdout) == (0, "the command line\n"), done.stderr
    assert typed(installed, code="from hwsim.siblings import altered; print(altered())").stdout == "[]\n"


def test_a_folder_of_decks_hides_nothing(installed: Path, tmp_path: Path) -> None:
    """Who works next to folders called circuits and netlists that hold no Python is not bothered."""
    for name in ("circuits", "netlists"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        (tmp_path / "mine" / name / "my.cir").touch()
    assert typed(tmp_path / "mine", installed).stdout == "the command line\n"


@pytest.mark.parametrize("name", siblings.NAMES)
@pytest.mark.parametrize("form", ["{}/__init__.py", "{}.py"])
def test_a_folder_or_file_that_hides_ours_is_named(installed: Path, tmp_path: Path, name: str, form: str) -> None:
    """One of that name that is imported before ours is not run; the line names where it is and what to do."""
    other = tmp_path / "mine" / form.format(name)
    other.parent.mkdir(parents=True)
    other.write_text("print('a stranger')\n")
    assert_refused(typed(tmp_path / "mine", installed), str(tmp_path / "mine" / name), "PYTHONPATH")


def test_a_package_that_hides_ours_is_named(installed: Path, tmp_path: Path) -> None:
    """Installed in another place, it is to be removed, or hwsim gets an environment of its own."""
    folder = tmp_path / "other" / "site-packages"
    distribution(folder, "voltage-games", ["circuits/__init__.py,,"])
    (folder / "circuits").mkdir()
    (folder / "circuits" / "__init__.py").touch()
    assert_refused(typed(folder, installed), str(folder / "circuits"), "pip uninstall voltage-games", "virtual environment")


def test_a_package_that_overwrote_ours_is_named(installed: Path) -> None:
    """Installed into the same folder, it leaves a mixture: both steps out of it are named; so is what is left when it is uninstalled."""
    distribution(installed, "voltage-games", ["circuits/__init__.py,,"])
    (installed / "circuits" / "__init__.py").write_text("print('a stranger')\n")
    assert_refused(typed(installed, bare=True), "pip uninstall voltage-games, then install hwsim again")
    shutil.rmtree(installed / "voltage-games-1.dist-info")
    (installed / "circuits" / "__init__.py").unlink()
    assert_refused(typed(installed, bare=True), "circuits/__init__.py is missing", "install hwsim again")
    shutil.rmtree(installed / "circuits")
    assert_refused(typed(installed, bare=True), "package circuits is missing", "install hwsim again")


def test_json_has_the_fault_too(installed: Path) -> None:
    """With --json the line is on standard output as well, as one object."""
    (installed / "cli" / "__init__.py").unlink()
    done = typed(installed, words="zoo --json", bare=True)
    assert done.returncode == 2
    assert "cli/__init__.py is missing" in json.loads(done.stdout)["error"]


def test_altered_files_are_listed(installed: Path) -> None:
    """A file that was overwritten or is gone is found by what was recorded when it was installed."""
    (installed / "netlists" / "__init__.py").write_text("# hwsim, but not as it was\n")
    (installed / "hwsim" / "__main__.py").unlink()
    done = typed(installed, code="from hwsim.siblings import altered; print(*sorted(altered()))")
    assert done.stdout == "hwsim/__main__.py netlists/__init__.py\n"


def test_a_missing_dependency_is_named(installed: Path) -> None:
    """Installed without what it depends on, hwsim names what is missing; so does a command that needs more than the others."""
    (installed / "cli" / "main.py").write_text("import no_such_package.inner\n")
    assert_refused(typed(installed), "the package no_such_package is missing", "without --no-deps")
    done = typed(ROOT, words="zoo examples/none", code=f"sys.modules['netlists.examples'] = None; {RUN}")
    assert_refused(done, "hwsim's module netlists.examples is missing", "install hwsim again")
