"""Lets atheris, which watches the code that runs, look for files that a reader answers with anything but a line of ours.

`python tests/torture/fuzz.py deck 600` searches for ten minutes, beginning with what tests/torture/corpus/deck holds and with good files.
Kinds are those of tests/damaged.py. It needs `pip install atheris`. A finding is written to the folder at hand, and becomes a test.
"""

import sys
import tempfile
from pathlib import Path

import atheris

_TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(_TESTS.parent), str(_TESTS)]

with atheris.instrument_imports(include=["netlists", "circuits", "hwsim"]):
    import damaged
    import strangers
    from netlists import flatten

flatten._MOST = 2_000

_WORDS = (".include", ".lib", ".param", ".subckt", ".ends", ".model", ".options", ".control", ".endc", "*hwsim:", "trainable", "input")
_WORDS += ("output", "nodes", "feature=", "g_min=", "nmos(", "D(is=", "{", "}", "'", "v(out)", "i(vin)", "1e999", "meg", "params:", "m=")


def main(kind: str, seconds: int) -> None:
    """Search."""
    folder = Path(tempfile.mkdtemp(prefix="hwsim-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))  # noqa: S108 - in memory, as millions of files are written
    for name in ("seeds", "work"):
        (folder / name).mkdir()
    good = [damaged.GOOD[kind][1]()]
    if kind == "deck":
        good += [damaged.hand(name).encode() for name in damaged.HAND] + [path.read_bytes() for path in strangers.CORPUS]
    for number, content in enumerate(good):
        (folder / "seeds" / str(number)).write_bytes(content)
    (folder / "words").write_text("".join(f'"{word}"\n' for word in _WORDS), encoding="utf-8")
    kept = Path(__file__).parent / "corpus" / kind
    options = [
        f"-max_total_time={seconds}",
        "-timeout=60",
        "-rss_limit_mb=3000",
        f"-max_len={max(8192, 2 * max(map(len, good)))}",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    options += [f"-dict={folder / 'words'}"] if kind == "deck" else []
    where = [str(folder / "seeds"), *([str(kept)] if kept.is_dir() else [])]
    atheris.Setup([sys.argv[0], *options, *where], lambda content: damaged.attempt(kind, content, folder / "work"))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
