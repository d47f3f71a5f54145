"""Good files of every kind that hwsim reads, ways to damage them, and what their readers may state: one line, of an error of ours."""

import gzip
import io
import json
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from hwsim.experiment.loading import load, to_toml
from hwsim.files.atomic import UnreadableError, read_arrays
from hwsim.files.data_tables import read_csv
from hwsim.files.tables import read_idx, read_npz
from hwsim.runs.folder import RunFolder
from hwsim.sweep import claims, database
from hwsim.sweep.axes import read_axis
from hwsim.sweep.definition import SweepDefinition
from support.decks import HAND, hand
from support.reading import read_deck

_OURS = (ValueError, UnreadableError)
"""What a reader may raise: errors of ours, all of which are ValueErrors, about the file. Python's own ValueErrors are not among them."""

_IDX = b"\0\0\x08\x03" + struct.pack(">III", 3, 4, 4) + bytes(range(48))
_CSV = b"length,width,species\n5.1,3.5,setosa\n4.9,3.0,setosa\n6.3,3.3,virginica\n"


def _npz(**arrays: object) -> bytes:
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


def _toml() -> bytes:
    return to_toml(load("iris")).encode()


def _state() -> dict[str, np.ndarray]:
    g = np.random.default_rng(0).uniform(1e-6, 1e-5, (4, 3))
    return {"g/w1": g, "mean/w1": g * 0, "epoch": np.array(1), "newton": np.zeros((), dtype=bool)}


def _checkpoint() -> bytes:
    row = {"epoch": 1, "loss": 0.1, "train_error": 0.2, "test_error": 0.3, "residual_A": 1e-15, "seconds": 1.0}
    rows = np.frombuffer(json.dumps([row]).encode(), dtype=np.uint8)
    return _npz(**{f"state/{name}": array for name, array in _state().items()}, rows=rows)


def _sweep() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sweep.db"
        database.Database.begin(path, _definition(), {"python": "3"}, {"w1": np.ones((2, 3))}).close()
        return path.read_bytes()


def _definition() -> SweepDefinition:
    return SweepDefinition.make(load("xor"), (read_axis("training.beta=log:1e-7:1e-5:3"),), chips=2, seeds=1)


def _read_checkpoint(path: Path) -> None:
    with RunFolder(path.parent).locked() as run:
        run.read_checkpoint(_state())


def _read_sweep(path: Path) -> None:
    with database.Database.open(path) as opened:
        opened.recorded()
        opened.weights  # noqa: B018 - reading it is all
        claims.release(opened)


GOOD: dict[str, tuple[str, Callable[[], bytes], Callable[[Path], object]]] = {
    "data.npz": ("data.npz", lambda: _npz(x=np.eye(4), y=np.arange(4) % 2), lambda path: read_npz(path, path.name)),
    "data.csv": ("data.csv", lambda: _CSV, lambda path: read_csv(path, path.name)),
    "idx": ("images-idx3-ubyte", lambda: _IDX, lambda path: read_idx(path, path.name)),
    "idx.gz": ("images-idx3-ubyte.gz", lambda: gzip.compress(_IDX, mtime=0), lambda path: read_idx(path, path.name)),
    "arrays": ("a.npz", lambda: _npz(a=np.eye(3, order="F"), b=np.array(["x", "yy"]), c=np.float32(2)), read_arrays),
    "checkpoint": ("checkpoint.npz", _checkpoint, _read_checkpoint),
    "experiment": ("experiment.toml", _toml, load),
    "deck": ("deck.cir", lambda: hand("diodes").encode(), read_deck),
    "decks": ("deck.cir", lambda: "\n".join(HAND.values()).encode(), read_deck),
    "sweep": ("sweep.db", _sweep, _read_sweep),
}
"""By kind: what the file is called, what a good one holds, and what reads it."""


_ODD = [b"\0", b"\xff" * 4, b"[" * 200, b"nan", b"1e999", b"9" * 5000, b"-", b"\r", b"{", b'"']


def attempt(kind: str, content: bytes, folder: Path) -> str:
    """Let a file be read, and give what its reader stated, nothing when it took it.

    Raises
    ------
    AssertionError
        When it stated more than a line, nothing at all, or what is not ours.

    """
    name, _, reader = GOOD[kind]
    path = folder / name
    path.write_bytes(content)
    caught: Exception | None = None
    try:
        reader(path)
    except _OURS as error:
        caught = error
    if caught is None:
        return ""
    message, ours = str(caught), type(caught).__module__.split(".")[0] in {"hwsim", "netlists", "circuits"}
    assert ours, f"{kind}: {type(caught).__name__}: {message}"
    assert message.strip(), f"{kind}: {type(caught).__name__} has no text"
    assert kind in {"deck", "decks"} or "\n" not in message, f"{kind}: {message}"
    return message


@st.composite
def damage(draw: st.DrawFn, good: bytes) -> bytes:
    """Cut, flip, overwrite, insert, repeat, or move a few places of a file."""
    content = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        end = min(at + draw(st.sampled_from([1, 1, 2, 4, 16, 200])), len(content))
        match draw(st.sampled_from(["flip", "cut", "drop", "put", "insert", "repeat", "number"])):
            case "flip" if content:
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del content[at:]
            case "drop":
                del content[at:end]
            case "put":
                content[at:end] = draw(st.binary(max_size=8))
            case "insert":
                content[at:at] = draw(st.sampled_from(_ODD))
            case "repeat":
                content[at:at] = content[at:end] * draw(st.sampled_from([1, 3, 50]))
            case "number":
                content[at:end] = draw(st.sampled_from([b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", struct.pack("<q", -1)]))
    return bytes(content)
