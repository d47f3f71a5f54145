"""Output files: one may replace an earlier one of its kind, but no input of the command, and nothing else without --force."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from circuits.quoting import quote_path
from hwsim.data import sources
from hwsim.experiment.experiment import RUN_FILE, Experiment
from hwsim.experiment.netlist_circuit import Netlist
from hwsim.files import atomic
from hwsim.files.png import is_ours
from hwsim.files.stored_conductances import run_of
from hwsim.runs.folder import RunFolder
from hwsim.runs.loaded import run_folder

_HEAD = 1 << 16
"""Bytes of a file in which its kind is recognised."""


class OutputError(ValueError):
    """An output that would replace what it must not; the message names the option, the file and the remedy."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of output: its name, and whether the beginning of a file shows that it is one."""

    name: str
    shows: Callable[[bytes], bool]


def _is_table(head: bytes) -> bool:
    """Whether a file begins with the columns of a sweep's results, of companies or of single circuits."""
    from hwsim.company.figures import CompanyFigures  # noqa: PLC0415 - only tables are of sweeps
    from hwsim.sweep.recorded import SweepResult  # noqa: PLC0415 - as above

    plain = [name for name in SweepResult._fields[1:] if name != "company"]
    columns = tuple(",".join(names).encode() for names in (plain, [*plain, *CompanyFigures._fields]))
    return head.startswith(b"point,") and head.partition(b"\n")[0].rstrip().endswith(columns)


DECK = FileKind("a deck of hwsim's", lambda head: b"written by hwsim for " in head.partition(b"\n")[0])
PICTURE = FileKind("a picture that hwsim drew", is_ours)
PAGE = FileKind("a page of hwsim report", lambda head: b'<p class="kind">hwsim report</p>' in head)
TABLE = FileKind("a table of hwsim sweep", _is_table)
PARQUET = FileKind("a Parquet file", lambda head: head.startswith(b"PAR1"))
TRAJECTORY = FileKind("voltages in time of hwsim run", lambda head: head.startswith((b"sample,time_s,", b"PK")))
TUNED = FileKind("an experiment that hwsim tune found", lambda head: head.startswith(b"# Found by: hwsim tune "))
BENCHMARK = FileKind("numbers of hwsim bench", lambda head: re.match(rb'\{\s*"benchmark":', head) is not None)


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that a command will write: the option that names it, its path, and its kind."""

    option: str
    path: Path
    kind: FileKind


def refuse(outputs: Iterable[OutputFile], inputs: Iterable[Path], *, force: bool) -> None:
    """Refuse outputs that would replace what the command reads, another of its outputs, or something of another kind.

    Files are compared by what they are, so that links and other spellings of a path make no difference. Devices, pipes and empty
    files have nothing to lose.

    Parameters
    ----------
    outputs
        What will be written.
    inputs
        Input files of the command.
    force
        Whether files of another kind are to be replaced; the command's inputs never are.

    Raises
    ------
    OutputError
        With the first that is refused, and the remedy.

    """
    read, written = {_identity(path) for path in inputs}, list(outputs)
    if force and not written:
        msg = "--force replaces an existing file, and this command writes none; leave it out, or name the file"
        raise OutputError(msg)
    for output in written:
        where = f"{output.option} {quote_path(output.path)}"
        refuse_place(output)
        if _identity(output.path) in read:
            msg = f"{where}: the same command reads or writes this file; choose another one"
            raise OutputError(msg)
        read.add(_identity(output.path))
        if not force and output.path.is_file() and output.path.stat().st_size:
            _refuse_other(output, where)


def refuse_place(output: OutputFile) -> None:
    """Refuse a path where no file can be.

    Raises
    ------
    OutputError
        With what is there, or missing.

    """
    where = f"{output.option} {quote_path(output.path)}"
    if output.path.is_dir():
        msg = f"{where}: this is a folder; name a file in it"
        raise OutputError(msg)
    if not (folder := output.path.parent).is_dir():
        is_file = folder.exists()
        msg = (
            f"{quote_path(folder)} is a file; name a place in a folder"
            if is_file
            else f"there is no folder {quote_path(folder)}; make it first"
        )
        raise OutputError(f"{where}: {msg}")
    place = output.path.resolve().parent if output.path.is_file() or not output.path.exists() else output.path
    if not os.access(place, os.W_OK):  # a file is written next to its place, and moved there
        msg = f"{where}: nothing can be written in {quote_path(place)}; name a place elsewhere, or change its permissions"
        raise OutputError(msg)


def refuse_folder(option: str, folder: Path) -> None:
    """Refuse a place where no folder for files can be, or that takes none.

    Raises
    ------
    OutputError
        With what is there, and the remedy.

    """
    where = f"{option} {quote_path(folder)}"
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise OutputError(f"{where}: {quote_path(there)} is a file; name a folder")
    if not os.access(there, os.W_OK):
        msg = f"{where}: nothing can be written in {quote_path(there)}; name a place elsewhere, or change its permissions"
        raise OutputError(msg)


def _refuse_other(output: OutputFile, where: str) -> None:
    """Refuse a file that is not an earlier output of the same kind, or that a run needs."""
    if output.path.name in RunFolder.NAMES and (output.path.parent / RUN_FILE).is_file():
        msg = f"{where}: belongs to the run in {quote_path(output.path.parent)}; choose another file, or replace it with --force"
        raise OutputError(msg)
    with output.path.open("rb") as file:
        head = file.read(_HEAD)
    if not output.kind.shows(head):
        msg = f"{where}: exists, and is not {output.kind.name}; choose another file, or replace it with --force"
        raise OutputError(msg)


def _identity(path: Path) -> tuple[int, int] | Path:
    """Return a file's identity, for any link to it; its path where there is none yet, and of devices, which may be named twice."""
    identity = atomic.identity(path) if path.is_file() or path.is_dir() else None
    return path.resolve() if identity is None else identity


def inputs(what: str, experiment: Experiment | None = None, others: Sequence[Path] = ()) -> Iterator[Path]:
    """List the input files of a command: all of a run, deck and includes, data, device.

    Parameters
    ----------
    what
        As typed: a name in the zoo, an experiment, a netlist, a run folder, a sweep's database.
    experiment
        Its experiment, with its settings.
    others
        Further input files.

    """
    yield from others
    folder = run_folder(what)
    if folder is not None:
        yield from folder.files()
    elif Path(what).is_file():
        yield Path(what)
    if experiment is None:
        return
    for netlist in (experiment.circuit, experiment.reservoir and experiment.reservoir.deck):
        if isinstance(netlist, Netlist):
            yield from (source.path for source in netlist.deck.sources if source.path)
    if experiment.training.start is not None:
        run = run_of(experiment.training.start)
        yield from [Path(experiment.training.start)] if run is None else RunFolder(run).files()
    yield from sources.paths(experiment.data.name)
    yield from (Path(device.preset) for device in experiment.devices if device.preset is not None)
