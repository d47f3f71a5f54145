"""Set-up installs what is locked, whatever an index offers: tried on a small project with an index, by the pip that Python brings."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "hwsim"
version = "0"
dependencies = ["alpha>=1"]

[project.optional-dependencies]
build = []
dev = ["gamma>=1"]
"""

BACKEND = """\
import shutil
def build_editable(folder, config_settings=None, metadata_directory=None):
    return shutil.copy("hwsim-0-py3-none-any.whl", folder) and "hwsim-0-py3-none-any.whl"
"""

LOCKED = {
    "alpha": [],
    "beta": ['delta>=1; extra == "more"'],
    "gamma": ["beta[more]>=1"],  # the lock states beta alone: some versions of pip take beta[more] for another requirement
    "delta": [],
}
"""What the small project's packages of version 1 need. Those of version 2, which the index offers too, need one that nobody has."""


def wheel(folder: Path, name: str, version: str, needs: list[str], extras: list[str]) -> Path:
    """Write a wheel that holds one empty module and names what it needs."""
    file, described = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    headers = [f"Name: {name}", f"Version: {version}", *(f"Provides-Extra: {extra}" for extra in extras)]
    contents = {
        f"{name}.py": "",
        f"{described}/METADATA": "\n".join(["Metadata-Version: 2.1", *headers, *(f"Requires-Dist: {need}" for need in needs), ""]),
        f"{described}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in contents.items()]
    contents[f"{described}/RECORD"] = "\n".join([*record, f"{described}/RECORD,,", ""])
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in contents.items():
            archive.writestr(path, text)
    return file


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def locked(index: Path, *names: str) -> str:
    """Write the lines of a lock for version 1 of packages."""
    files = {name: index / name / f"{name}-1-py3-none-any.whl" for name in names}
    return "".join(f"{name}==1 \\\n    --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n" for name, file in files.items())


@dataclass(frozen=True)
class Checkout:
    """A small project with hwsim's set-up, and its index."""

    folder: Path
    index: Path

    @classmethod
    def make(cls, folder: Path, index: Path) -> "Checkout":
        """Write both: each package in its locked version and in a newer one."""
        for name, needs in LOCKED.items():
            (index / name).mkdir(parents=True)
            files = [wheel(index / name, name, "1", needs, ["more"]), wheel(index / name, name, "2", ["omega>=1"], [])]
            links = "".join(f'<a href="{file.name}">{file.name}</a>\n' for file in files)
            (index / name / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")
        (folder / ".ci").mkdir(parents=True)
        shutil.copy(ROOT / ".ci/setup", folder / ".ci/setup")
        (folder / "pyproject.toml").write_text(PROJECT)
        (folder / "backend.py").write_text(BACKEND)
        wheel(folder, "hwsim", "0", ["alpha>=1", 'gamma>=1; extra == "dev"'], ["build", "dev"])
        (folder / "requirements.lock").write_text(locked(index, "alpha"))
        (folder / ".ci/dev.lock").write_text(locked(index, "beta", "gamma", "delta"))
        return cls(folder, index)

    def setup(self, what: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `.ci/setup WHAT`, with pip's settings given here alone."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        ours = {"PYTHON": sys.executable, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": self.index.as_uri(), "PIP_NO_CACHE_DIR": "1"}
        command = ["bash", str(self.folder / ".ci/setup"), what]
        return subprocess.run(command, env=plain | ours | environment, capture_output=True, text=True, check=False)

    def pip(self, *words: str) -> str:
        """Run the pip of the virtual environment that set-up made."""
        command = [str(self.folder / ".venv/bin/python"), "-m", "pip", "--disable-pip-version-check", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def installed(self) -> dict[str, str]:
        """List what is in the virtual environment, but for what every new one has."""
        listed = {entry["name"]: entry["version"] for entry in json.loads(self.pip("list", "--format=json"))}
        return {name: version for name, version in listed.items() if name in LOCKED}


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    """Make the small project, in a folder with a space in its name."""
    return Checkout.make(tmp_path / "a checkout", tmp_path / "index")


def test_the_locked_releases_are_installed_although_newer_ones_exist(checkout: Checkout) -> None:
    """Training gets its lock, tests both; pip has nothing to complain of; and neither is done twice, whoever asks next."""
    for what, names in (("python", ["alpha"]), ("tools", LOCKED)):
        done = checkout.setup(what)
        assert done.returncode == 0, done.stderr
        assert checkout.installed() == dict.fromkeys(names, "1")
        assert done.stdout == ""
        assert all(line.startswith("setup: ") for line in done.stderr.splitlines())
        for again in {"python", what}:
            done = checkout.setup(again, PIP_INDEX_URL="file:///nowhere")
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_wrong_lock_fails_and_says_so(checkout: Checkout) -> None:
    """A release whose file is another than when the lock was made, a lock without what an extra of a package needs: neither passes.

    When the lock is right again, so is the environment, and after the checkout was moved: programs in .venv name their place.
    """
    runtime, dev = checkout.folder / "requirements.lock", checkout.folder / ".ci/dev.lock"
    right = runtime.read_text(), dev.read_text()
    runtime.write_text(re.sub("sha256:[0-9a-f]{8}", "sha256:00000000", right[0]))
    _assert_fails(checkout, "THESE PACKAGES DO NOT MATCH THE HASHES", "setup: the packages of requirements.lock .ci/dev.lock could not")
    runtime.write_text(right[0])
    dev.write_text(right[1].partition("delta==")[0])
    _assert_fails(checkout, "No matching distribution found for delta>=1", "setup: a package is missing in the locks")
    dev.write_text(right[1])
    moved = Checkout(checkout.folder.with_name("moved"), checkout.index)
    for each in (checkout, moved):
        done = each.setup("python")
        assert done.returncode == 0, done.stderr
        if each is checkout:
            assert each.installed() == dict.fromkeys(LOCKED, "1")
            each.folder.rename(moved.folder)
        else:
            assert "making .venv" in done.stderr


def _assert_fails(checkout: Checkout, of_pip: str, of_ours: str) -> None:
    done = checkout.setup("tools")
    assert done.returncode == 1
    assert of_pip in done.stderr
    assert done.stderr.splitlines()[-1].startswith(of_ours)
