"""Reads and solves every hostile deck under strace, and counts what escaped: programs started, and files written elsewhere.

Run it from the checkout: `python tests/torture/strace_decks.py`. It needs strace, and takes half a minute.
"""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from support.hostile_folder import CORPUS, decks, lay_out  # noqa: E402 - found by the line above

_CALLS = "execve,execveat,open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,mknod,mknodat"
_CALLS += ",unlink,unlinkat,rmdir,truncate,connect,bind"

_WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|^(?:rename|link|symlink|mkdir|mknod|unlink|rmdir|truncate|connect|bind|creat)")
_OURS = re.compile(r'hwsim-ngspice-|"/tmp/[a-z0-9_]{8}"|"/dev/null"|"log"|/__pycache__/')
"""What hwsim itself does: a folder for each worker with its log in it; Python tries out where temporary files can lie, and compiles."""


def solve_all(place: Path) -> None:
    """Read each deck, and solve it where it can be read."""
    from circuits.chip import Chip  # noqa: PLC0415 - only under strace
    from hwsim.core.protocol import Drive  # noqa: PLC0415
    from hwsim.ngspice.ngspice_engine import NgspiceEngine  # noqa: PLC0415
    from hwsim.ngspice.ngspice_errors import NgspiceError  # noqa: PLC0415
    from netlists.text.findings import NetlistError  # noqa: PLC0415
    from support.reading import read_deck  # noqa: PLC0415

    solved = refused = 0
    for path in decks(place):
        try:
            deck = read_deck(path)
        except NetlistError:
            refused += 1
            continue
        with NgspiceEngine(workers=1).prepare(deck.circuit, Chip.nominal(deck.circuit)) as engine, contextlib.suppress(NgspiceError):
            engine.solve(deck.g, Drive(deck.x[None]))
        solved += 1
    sys.stdout.write(f"{refused} decks refused, {solved} read without their commands and given to ngspice\n")


def main() -> int:
    """Trace it, and look through what was called."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "place"
        place.mkdir()
        environment = os.environ | lay_out(place)
        words = ["strace", "-ff", "-qq", "-z", "--seccomp-bpf", "-e", f"trace={_CALLS}", "-o", f"{folder}/trace"]
        words += [sys.executable, str(Path(__file__).absolute()), str(place)]
        done = subprocess.run(words, cwd=place / "working", env=environment, check=False)
        lines = [line for file in Path(folder).glob("trace.*") for line in file.read_text(errors="replace").splitlines()]
        escaped = list(place.glob("escaped*"))
    started = [line for line in lines if line.startswith("exec")]
    strange = [line for line in started if sys.executable not in line]
    written = [line for line in lines if _WRITING.search(line) and not _OURS.search(line)]
    sys.stdout.write(f"{len(CORPUS)} decks, {len(lines)} system calls looked at; programs started other than Python: {len(strange)}; ")
    sys.stdout.write(f"files written elsewhere: {len(written)}; files of the decks' commands: {len(escaped)}\n")
    sys.stdout.write("".join(f"{line}\n" for line in (*strange, *written)))
    return bool(strange or written or escaped or done.returncode)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        solve_all(Path(sys.argv[1]))
    else:
        sys.exit(main())
