"""Outputs replace earlier ones of their kind, nothing that the command reads, and what is something else only with --force."""

import base64
import os
import shutil
from pathlib import Path

import pytest

from cli.main import main

DATA = "".join(f"{k / 20 - 1:.3f},{(k * 7) % 40 / 20 - 1:.3f},{int(k > 20)}\n" for k in range(40))
EXPERIMENT = """
name = "two"
circuit = {inputs = 2, outputs = 2}
data = {name = "my.csv"}
training = {epochs = 1}
"""
NETLIST = """* two inputs, a resistor each
V1 a 0 1
V2 b 0 1
R_w1 a o 10k
R_w2 b o 10k
R_l o 0 10k
*hwsim: trainable R_w*
*hwsim: input V1 V2
*hwsim: output o
.end
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill a folder with data, an experiment, a netlist, and what the commands make of them."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "my.csv").write_text(DATA)
    (folder / "two.toml").write_text(EXPERIMENT)
    (folder / "my.cir").write_text(NETLIST)
    (folder / "pulses.csv").write_text("pulses,g\n" + "".join(f"{k},{1e-6 + k * 1e-7}\n" for k in range(9)))
    (folder / "notes.txt").write_text("mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (
            "train two.toml --out run",
            "sweep two.toml --vary training.beta=1e-6,2e-6 --out s.db --export table.csv --plot s.png --jobs 1",
            "report run s.db -o page.html",
            "compile two.toml -o two.cir",
        ):
            assert main(words.split()) == 0
    return folder


@pytest.fixture
def here(hwsim, made: Path, tmp_path: Path) -> Path:
    """Work in a copy of that folder."""
    del hwsim
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    os.link(tmp_path / "my.csv", tmp_path / "hard.csv")
    (tmp_path / "soft.html").symlink_to("run/experiment.toml")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """Read all files below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


SWEEP = "sweep two.toml --vary training.beta=1e-6,2e-6 --jobs 1"
INPUTS = {
    "a report over the sweep": "report s.db -o s.db",
    "a report over the run's experiment": "report run -o run/experiment.toml",
    "a report over the run's metrics": "report run -o ./run/../run/metrics.jsonl",
    "a report over what a link leads to": "report run -o soft.html",
    "a report over the run's data": "report run -o my.csv",
    "a table over the data": f"{SWEEP} --out t.db --export my.csv",
    "a table over the data's other name": f"{SWEEP} --out t.db --export hard.csv",
    "a table over the database": "sweep t.csv --export t.csv",
    "a picture over the table": f"{SWEEP} --out t.png --plot t.png",
    "a deck over the experiment": "compile two.toml -o two.toml",
    "a deck over the netlist": "compile my.cir -o my.cir",
    "a deck over the data": "compile two.toml -o my.csv",
    "a deck over the trained one": "compile run -o run/circuit.cir",
    "a picture over a run's": "inspect run --plot run/loss-and-error.png",
    "a search over its experiment": "tune two.toml --vary training.batch=2:4 --trials 1 --out two.toml",
    "a deck over the weights that it starts from": "compile two.toml --set training.start=run/weights.npz -o run/weights.npz",
    "a netlist over the data": "train my.cir --data my.csv --epochs 1 --write my.csv",
}


@pytest.mark.parametrize("case", INPUTS)
@pytest.mark.parametrize("force", [(), ("--force",)], ids=["plain", "force"])
def test_no_command_writes_over_what_it_reads(hwsim, here: Path, case: str, force: tuple[str, ...]) -> None:
    """Whatever the file is called and whatever is asked: exit code 2, one line, and not a byte more or less than before."""
    if case == "a table over the database":
        (here / "s.db").rename(here / "t.csv")
    before = contents(here)
    answer = hwsim(*INPUTS[case].split(), *force)
    assert answer.code == 2, answer.err
    assert "the same command reads or writes this file; choose another one" in answer.err.splitlines()[-1]
    assert contents(here) == before


PHOTOGRAPH = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
"""A PNG of one black pixel, which hwsim did not draw."""

OTHERS = {
    "a page": "report run -o notes.txt",
    "a page over a deck": "report run -o two.cir",
    "a picture of a page": "report s.db -o p.html",
    "a table": "sweep s.db --export notes.csv",
    "a Parquet table": "sweep s.db --export notes.parquet",
    "a deck": "compile two.toml -o notes.txt",
    "a deck over a netlist": "compile two.toml -o my.cir",
    "a deck over another's run": "compile iris -o run/circuit.cir",
    "a picture": "inspect two.toml --plot notes.png",
    "a picture of a device": "devices pcm --plot notes.png",
    "a photograph": "devices pcm --plot photograph.png",
    "a photograph by a sweep": "sweep s.db --plot photograph.png",
    "a fit's picture": "devices --fit pulses.csv --plot notes.png",
    "a search": "tune two.toml --vary training.batch=2:4 --trials 1 --out notes.toml",
    "a netlist": "train my.cir --data my.csv --epochs 1 --write two.cir",
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_something_else_is_replaced_only_by_force(hwsim, here: Path, case: str) -> None:
    """A line names the file and --force; with it, the file is replaced."""
    for name in ("notes.csv", "notes.parquet", "notes.png", "notes.toml", "p-figures/sweep-1-error-beta.png"):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text("mine")
    (here / "photograph.png").write_bytes(PHOTOGRAPH)
    if case == "a picture of a page":
        hwsim("report", "s.db", "-o", "q.html")
        for picture in (here / "q-figures").iterdir():
            (here / "p-figures" / picture.name).write_text("mine")
    before = contents(here)
    answer = hwsim(*OTHERS[case].split())
    assert answer.code == 2, answer.err
    assert "with --force" in answer.err.splitlines()[-1]
    assert contents(here) == before
    if case != "a fit's picture":  # nine points of a straight line are too few for some kinds
        assert hwsim(*OTHERS[case].split(), "--force").code == 0
        assert contents(here) != before


AGAIN = (
    "report run s.db -o page.html",
    "compile two.toml -o two.cir",
    "sweep s.db --export table.csv --plot s.png",
    "sweep s.db --export t.parquet",
    "inspect two.toml --plot two.png",
    "devices pcm --plot pcm.png",
    "tune two.toml --vary training.batch=2:4 --trials 1",
    "train my.cir --data my.csv --epochs 1 --write trained.cir",
    "train my.cir --data my.csv --epochs 1 --write my.cir",
)


@pytest.mark.parametrize("words", AGAIN)
@pytest.mark.usefixtures("here")
def test_a_command_may_be_repeated(hwsim, words: str) -> None:
    """What it wrote before is replaced, and a trained netlist may take the place of the untrained one."""
    assert hwsim(*words.split()).code == 0
    answer = hwsim(*words.split())
    assert answer.code == 0, answer.err


PLACES = {
    **{
        f"nothing that force is for in {words.partition(' ')[0]}": (f"{words} --force", "--force ")
        for words in ("sweep s.db", "inspect two.toml", "devices pcm", "compile two.toml -o -", "train two.toml")
    },
    "a folder": ("report run -o run", "this is a folder"),
    "a file as a folder": ("report run -o notes.txt/page.html", "notes.txt is a file; name a place in a folder"),
    "no folder": ("sweep s.db --export no/t.csv", "there is no folder no"),
    "a file for a folder": ("bench engines xor --rounds 1 --samples 1 --out notes.txt", "notes.txt is a file; name a folder"),
    "a page whose pictures have no place": ("report run -o fig.html", "fig-figures, which is a file"),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_place_that_cannot_be_one_is_refused(hwsim, here: Path, case: str) -> None:
    """Before anything is computed."""
    words, message = PLACES[case]
    (here / "fig-figures").write_text("mine")
    before = contents(here)
    answer = hwsim(*words.split())
    assert answer.code == 2
    assert message in answer.err.splitlines()[-1]
    assert contents(here) == before


def test_a_folder_that_takes_no_file_is_refused_at_once(hwsim, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is computed; the line names the folder. To whoever may do everything, as tests often may, no other is closed."""
    before, asked = contents(here), list[str]()

    def closed(place: Path, mode: int) -> bool:
        asked.append(str(place))
        return mode != os.W_OK

    monkeypatch.setattr("hwsim.sweep.outputs.os.access", closed)
    monkeypatch.setattr("hwsim.report.report.read_run", None)  # whoever calls it fails
    answer = hwsim("report", "run", "-o", "page.html")
    assert (answer.code, asked[-1]) == (2, str(here))
    assert f"--out page.html: nothing can be written in {here}; name a place elsewhere" in answer.err
    assert contents(here) == before


def test_a_benchmark_whose_folder_takes_no_file_is_refused_at_once(hwsim, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that took minutes would be lost; the folder that is there counts where the named one is to be made."""
    monkeypatch.setattr("hwsim.sweep.outputs.os.access", lambda place, mode: not (mode == os.W_OK and Path(place) == here))
    monkeypatch.setattr("hwsim.benchmarks.engine_speed.compare", None)  # whoever calls it fails
    answer = hwsim("bench", "engines", "xor", "--out", "new/numbers")
    assert answer.code == 2
    assert f"nothing can be written in {here}" in answer.err


def test_a_benchmark_replaces_its_own_numbers(hwsim, here: Path) -> None:
    """And nobody else's."""
    words = ["bench", "engines", "xor", "--rounds", "1", "--samples", "1", "--out", "numbers"]
    assert [hwsim(*words).code, hwsim(*words).code] == [0, 0]
    (here / "numbers" / "engines.json").write_text('{"mine": 1}')
    answer = hwsim(*words)
    assert answer.code == 2
    assert "numbers/engines.json: exists, and is not numbers of hwsim bench" in answer.err
    assert hwsim(*words, "--force").code == 0


def test_an_empty_file_has_nothing_to_lose(hwsim, tmp_path: Path) -> None:
    """It was made for someone to fill; nor has a device."""
    (tmp_path / "new").touch()
    assert hwsim("compile", "xor", "-o", "new").code == 0
    assert hwsim("compile", "xor", "-o", "/dev/null").code == 0
