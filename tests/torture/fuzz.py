"""Lets atheris, which watches the code that runs, look for files that a reader answers with anything but a line of ours.

`python tests/torture/fuzz.py deck 600` searches for ten minutes, beginning with what tests/torture/corpus/deck holds and with good files.
Kinds are those of tests/support/damaged_files.py. It needs `pip install atheris`. A finding is written to the folder at hand, and becomes a
test. With a folder behind it, what reaches new code is gathered there; `fuzz.py deck keep FOLDER` then takes the smallest of that into the
corpus, which every test run goes through again.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import atheris

_TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(_TESTS.parent), str(_TESTS)]

with atheris.instrument_imports(include=["netlists", "circuits", "hwsim"]):
    from netlists.read import flatten
    from support import damaged_files, hostile_folder

flatten._MOST = 2_000

_CORPUS = Path(__file__).parent / "corpus"
_WORDS = (".include", ".lib", ".param", ".subckt", ".ends", ".model", ".options", ".control", ".endc", "*hwsim:", "trainable", "input")
_WORDS += ("output", "nodes", "feature=", "g_min=", "nmos(", "D(is=", "{", "}", "'", "v(out)", "i(vin)", "1e999", "meg", "params:", "m=")


_KEPT = 20_000
"""B; what the corpus holds of a kind at most, the smallest files first."""


def main(kind: str, seconds: int, gathered: Path | None) -> None:
    """Search."""
    folder = Path(tempfile.mkdtemp(prefix="hwsim-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))  # noqa: S108 - in memory, as millions of files are written
    result = gathered or folder / "found"
    for name in (folder / "seeds", folder / "work", result):
        name.mkdir(parents=True, exist_ok=True)
    good = [damaged_files.GOOD[kind][1]()]
    if kind == "deck":
        good += [damaged_files.hand(name).encode() for name in damaged_files.HAND] + [path.read_bytes() for path in hostile_folder.CORPUS]
    for number, content in enumerate(good):
        (folder / "seeds" / str(number)).write_bytes(content)
    (folder / "words").write_text("".join(f'"{word}"\n' for word in _WORDS), encoding="utf-8")
    kept = _CORPUS / kind
    options = [
        f"-max_total_time={seconds}",
        "-timeout=60",
        "-rss_limit_mb=3000",
        f"-max_len={max(8192, 2 * max(map(len, good)))}",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    options += [f"-dict={folder / 'words'}"] if kind == "deck" else []
    fuzz(kind, options, [result, folder / "seeds", *([kept] if kept.is_dir() else [])], folder / "work")


def keep(kind: str, gathered: Path) -> None:
    """Take the smallest of what was gathered into the corpus."""
    kept = _CORPUS / kind
    kept.mkdir(parents=True, exist_ok=True)
    size = sum(path.stat().st_size for path in kept.iterdir())
    for path in sorted(gathered.iterdir(), key=lambda path: (path.stat().st_size, path.name)):
        size += path.stat().st_size
        if size > _KEPT:
            break
        shutil.copyfile(path, kept / path.name[:12])


def fuzz(kind: str, options: list[str], folders: list[Path], work: Path) -> None:
    """Hand over to libFuzzer, which does not come back."""
    atheris.Setup([sys.argv[0], *options, *map(str, folders)], lambda content: damaged_files.attempt(kind, content, work))
    atheris.Fuzz()


if __name__ == "__main__":
    wanted, behind = sys.argv[1:3], [Path(name) for name in sys.argv[3:4]]
    if wanted[1] == "keep":
        keep(wanted[0], behind[0])
    else:
        main(wanted[0], int(wanted[1]), *(behind or [None]))
