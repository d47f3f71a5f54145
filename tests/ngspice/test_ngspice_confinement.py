"""What ngspice could read, write or start, were a deck's cards and commands not looked through first: in the sandbox nothing outside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hwsim.ngspice.installed import require_library
from hwsim.ngspice.sandbox import landlock

WAYS = """
import os, sys
from pathlib import Path
from hwsim.ngspice.importable import programs
from hwsim.ngspice.library_session import LibrarySession, ffi
from hwsim.ngspice.sandbox import close_behind, close_reading
from hwsim.ngspice.seccomp import refuse_sockets

outside, confined = Path(sys.argv[1]), sys.argv[2] == "confined"
session = LibrarySession()
if confined:
    close_behind(Path.cwd())
    refuse_sockets()
    close_reading(Path.cwd(), *[programs()])
FILE = outside / "secret"
PLAIN = ["v1 a 0 1", "r1 a 0 1k"]
DECKS = {
    "include": [*PLAIN, f".include {FILE}.inc"],
    "lib": [*PLAIN, f".lib {FILE}.lib part"],
    "filesource": [*PLAIN, "a1 %v([b]) src", "r2 b 0 1k", f'.model src filesource (file="{FILE}.txt" amploffset=[0] amplscale=[1])'],
}
COMMANDS = {
    "include": [], "lib": [],
    "filesource": ["tran 1 2", "print v(b)"],
    "source": [f"source {FILE}.cir"],
    "load": [f"load {FILE}.raw", "print all"],
    "fopen": [f"fopen handle {FILE}.txt", "fread line handle", "echo $line"],
    "wrdata": ["op", f"wrdata {outside}/new v(a)"],
    "write": ["op", f"write {outside}/new v(a)"],
    "redirection": [f"echo x > {outside}/new"],
    "shell": [f"shell cp {FILE}.txt {outside}/new"],
    "codemodel": [f"codemodel {FILE}.cm"],
    "cd": [f"cd {outside}", "op", "write new v(a)"],
}
for way, commands in COMMANDS.items():
    sys.stdout.flush()
    child = os.fork()
    if not child:
        lines = ["* title", *DECKS.get(way, PLAIN), ".end"]
        texts = [ffi.new("char[]", line.encode()) for line in lines]
        shared = session._ngspice_shared
        shared.ngSpice_Circ(ffi.new("char *[]", [*texts, ffi.NULL]))
        seen = list(session._stdout) + list(session._stderr)
        for command in [*commands, "listing expand"]:
            shared.ngSpice_Command(command.encode())
        seen += list(session._stdout) + list(session._stderr)
        got_out = "424242" in " ".join(seen).replace(".", "") or os.path.exists(outside / "new")
        os.write(1, (way + "\\n").encode() if got_out else b"")
        os._exit(0)
    os.waitpid(child, 0)
    (outside / "new").unlink(missing_ok=True) if not confined else None
"""
"""Tries each way in a process of its own, and prints those by which something came in or out."""


def ways(tmp_path: Path, mode: str) -> set[str]:
    """Return the ways by which ngspice gets at a secret outside of its folder, or leaves a file there."""
    outside, home = tmp_path / "outside", tmp_path / "home"
    for folder in (outside, home):
        folder.mkdir()
    for suffix, text in {
        "inc": "r9 a 0 424242\n",
        "lib": ".lib part\nr9 a 0 424242\n.endl\n",
        "cir": "* secret\nv1 a 0 1\nr9 a 0 424242\n.end\n",
        "txt": "0 424242\n1 424242\n9 424242\n",
        "cm": "no code\n",
        "raw": "Title: x\nPlotname: Operating Point\nFlags: real\nNo. Variables: 1\nNo. Points: 1\nVariables:\n\t0\tv\tvoltage\n"
        "Values:\n 0\t424242\n\n",
    }.items():
        (outside / f"secret.{suffix}").write_text(text, encoding="ascii")
    command = [sys.executable, "-c", WAYS, str(outside), mode]
    environment = os.environ | {"NGSPICE_LIBRARY_PATH": str(require_library())}
    answer = subprocess.run(command, cwd=home, env=environment, check=True, capture_output=True, text=True, timeout=60)
    return set(answer.stdout.split())


@pytest.mark.skipif(landlock() < 1, reason="this system has no Landlock")
def test_nothing_outside_is_read_written_or_started(tmp_path: Path) -> None:
    """By none of the ways that work without the sandbox, which shows that they were tried."""
    (tmp_path / "free").mkdir()
    (tmp_path / "confined").mkdir()
    assert ways(tmp_path / "free", "free") >= {"include", "lib", "source", "load", "wrdata", "write", "redirection"}
    assert ways(tmp_path / "confined", "confined") == set()
