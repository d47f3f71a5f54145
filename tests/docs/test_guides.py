"""The guides: every topic is there, what they name exists, and they are in plain English that fits a terminal."""

import glob
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from cli.command import CONTEXT
from cli.main import COMMANDS, Group
from cli.main import hwsim as program
from hwsim.docs.guide_pages import slug
from hwsim.docs.guides import TOPICS, guide
from hwsim.docs.terminal import WIDTH, rendered
from hwsim.experiment.experiment import Experiment
from hwsim.settings.validation_errors import known_keys
from support.markdown import MARKERS, ROOT, code_blocks, inline_code, links, prose, without_code
from support.words import avoided

DOCS = ROOT / "hwsim/docs"
TEXTS = {topic: guide(topic).text for topic in TOPICS} | {"README": (ROOT / "README.md").read_text(encoding="utf-8")}
KEYS = {re.sub(r"\[\d+\]", "", key) for key in known_keys(Experiment)}
KEY = re.compile(r"((?:circuit|data|training|device|variation|noise|solver)(?:\.\w+(?:\[\d+\])?)+)( ?=.*)?")
each_text = pytest.mark.parametrize("name", TEXTS)


def options_of(name: str) -> set[str]:
    """List the options of a command, its subcommands' included."""
    context = click.Context(program, **CONTEXT)
    assert isinstance(program, Group)
    command = program.get_command(context, name)
    assert command is not None
    inner = list(command.commands.values()) if isinstance(command, click.Group) else []
    return {option for one in (command, *inner) for param in one.get_params(context) for option in param.opts}


def test_every_guide_is_listed() -> None:
    """The topics are the files, and each has a title and a description that fits its line."""
    assert sorted(TOPICS) == sorted(path.stem for path in DOCS.glob("*.md"))
    for topic, about in TOPICS.items():
        assert TEXTS[topic].startswith(f"# {guide(topic).title}\n\n"), topic
        assert len(topic) + len(about) < WIDTH - len("contributing"), topic
        assert about.endswith(".")
        assert not re.search(r"^# ", without_code(TEXTS[topic])[1:], re.MULTILINE), f"{topic} has two titles"


def test_all_files_of_the_guides_are_installed() -> None:
    """Each that is no module, examples included, is one of the package's data."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]["hwsim"]
    installed = {Path(path) for pattern in data for path in glob.glob(str(ROOT / "hwsim" / pattern), recursive=True)}  # noqa: PTH207 - as setuptools does
    files = {path for path in DOCS.rglob("*.*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert files | set((DOCS / "examples").glob("*.py")) <= installed
    assert not [pattern for pattern in data if "**" in pattern], "a folder of compiled files would be installed"


@each_text
def test_links_lead_somewhere(name: str) -> None:
    """A link leads to a file and a heading that are there, or out of the project; those of guides, to what is installed."""
    anchors = {topic: {slug(title) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)} for topic, text in TEXTS.items()}
    base = ROOT if name == "README" else DOCS
    for link in links(TEXTS[name]):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        assert not file or (base / file).exists(), link
        topic = file.removeprefix("hwsim/docs/").removesuffix(".md") or name
        assert name == "README" or topic in TOPICS or file.endswith(".svg"), f"{link} is not part of an installed hwsim"
        assert not anchor or anchor in anchors[topic], link


@each_text
def test_words_are_plain(name: str) -> None:
    """No word that the field would not search for."""
    assert not list(avoided(prose(TEXTS[name])))


@each_text
def test_what_they_name_exists(name: str) -> None:
    """Inline code names commands with options that they have, keys of experiments, and files of the source tree.

    The changelog may name old ones.
    """
    if name == "changelog":
        return
    for code in inline_code(TEXTS[name]):
        words = code.split()
        if words[0] == "hwsim" and len(words) > 1 and re.fullmatch("[a-z]+", words[1]):
            assert words[1] in COMMANDS, code
            options = {word.partition("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)}
            assert options <= options_of(words[1]) | {"-h", "--help"}, code
        elif re.fullmatch(r"--[a-z-]+( .*)?", code):
            assert any(words[0] in options_of(command) for command in COMMANDS) or words[0] in {"--version", "--force-reinstall"}, code
        elif (match := KEY.fullmatch(code)) and not code.endswith(".cir"):
            assert re.sub(r"\[\d+\]|\.\d+", "", match[1]) in KEYS, code
        elif re.fullmatch(r"(results|hwsim|circuits|netlists|cli|tests|\.ci)/[\w./-]+", code):
            assert (ROOT / code).exists(), code


def test_the_commands_guide_has_every_command() -> None:
    """The rows of its tables and the program's own list are the same."""
    assert sorted(re.findall(r"^\| `hwsim (\w+)", TEXTS["commands"], re.MULTILINE)) == sorted(COMMANDS)


def test_the_picture_can_be_drawn_again(tmp_path: Path) -> None:
    """The script that drew it draws it."""
    picture = tmp_path / "circuit.svg"
    subprocess.run([sys.executable, str(ROOT / "results/figures/circuit.py"), str(picture)], check=True)
    assert "</svg>" in picture.read_text(encoding="utf-8")[-20:]


@each_text
def test_every_fence_says_what_it_is(name: str) -> None:
    """It has a language, and after it nothing but the name of a file or a known reason not to run it."""
    for block in code_blocks(TEXTS[name]):
        assert block.language in {"sh", "toml", "spice", "python", "text", "csv"}, block
        assert all("." in word or word in MARKERS for word in block.words), block
        assert len(block.words) <= 1, block


@pytest.mark.parametrize("topic", TOPICS)
def test_guides_fit_a_terminal(topic: str) -> None:
    """Of 80 columns and of 60, in plain text and in colours, no line is wider; no code is wrapped in 80."""
    for width in (60, WIDTH, 200):
        lines = rendered(TEXTS[topic], width).splitlines()
        assert max(map(len, lines)) <= min(width, WIDTH)
    assert max((len(line) for block in code_blocks(TEXTS[topic]) for line in block.text.splitlines()), default=0) <= WIDTH - 2
    coloured = rendered(TEXTS[topic], WIDTH, "standard")
    assert "\x1b[" in coloured
    assert "\x1b" not in rendered(TEXTS[topic], WIDTH)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured).split() == rendered(TEXTS[topic], WIDTH).split()


def test_links_between_guides_are_commands_in_a_terminal() -> None:
    """A reader there cannot follow a link to a file; other links keep their addresses."""
    assert "my.toml:" in rendered("```toml my.toml\nx = 1\n```\n")
    text = rendered("See [kinds](devices.md#fit), [a paper](https://example.org/x) and ![a drawing](circuit.svg).")
    assert "kinds (hwsim docs devices)" in " ".join(text.split())
    assert "https://example.org/x" in text
    assert "a drawing" in text
    assert ".md" not in text
    assert "circuit.svg" not in text
