"""`hwsim docs`: lists guides, prints one, writes pages."""

import os
import pty
import subprocess
import sys
from pathlib import Path

from hwsim.docs.guides import TOPICS, guide

ROOT = Path(__file__).parents[2]


def test_the_guides_are_listed(hwsim) -> None:
    """Each has a line; JSON has the same."""
    answer = hwsim("docs")
    assert answer.code == 0
    assert [line.split()[0] for line in answer.out.splitlines()[1 : 1 + len(TOPICS)]] == list(TOPICS)
    listed = hwsim("docs", "--json").json["topics"]
    assert {entry["topic"]: entry["about"] for entry in listed} == TOPICS


def test_a_guide_is_printed(hwsim) -> None:
    """As plain text where there is no terminal, as Markdown in JSON; a slip is met with the nearest topic."""
    answer = hwsim("docs", "devices")
    assert answer.code == 0
    assert guide("devices").title in answer.out
    assert "\x1b" not in answer.out
    assert hwsim("docs", "devices", "--json").json["markdown"] == guide("devices").text
    wrong = hwsim("docs", "device")
    assert (wrong.code, wrong.out) == (2, "")
    assert "did you mean devices" in wrong.err
    assert all(topic in hwsim("docs", "zzz").err for topic in TOPICS)


def test_pages_replace_only_pages(hwsim, tmp_path) -> None:
    """A file or a folder of pages may be written again; anything else needs --force, and a missing folder is named."""
    for out, count in (("guides", len(TOPICS) + 1), ("all.html", 1)):
        for _ in range(2):
            assert len(hwsim("docs", "--html", out, "--json").json["pages"]) == count
    assert hwsim("docs", "physics", "--html", "physics.html").code == 0
    (tmp_path / "mine.html").write_text("mine")
    answer = hwsim("docs", "--html", "mine.html")
    assert answer.code == 2
    assert "--force" in answer.err
    assert (tmp_path / "mine.html").read_text() == "mine"
    assert hwsim("docs", "--html", "mine.html", "--force").code == 0
    (tmp_path / "note").write_text("mine")
    for out in ("missing/guides", "missing/all.html", "note"):
        answer = hwsim("docs", "--html", out)
        assert answer.code == 2
        assert out.split("/")[0] in answer.err
    assert hwsim("docs", "--force").code == 2
    assert hwsim("docs", "physics", "--html", "guides").code == 0


def test_examples_are_listed_and_copied(hwsim, tmp_path) -> None:
    """They are those of the package; nothing is ever replaced, and options that are for guides are refused."""
    texts = {path.name: path.read_text() for path in (ROOT / "hwsim/docs/examples").glob("*.py")}
    listed = hwsim("docs", "examples", "--json").json["examples"]
    assert [one["example"] for one in listed] == sorted(texts)
    printed = " ".join(hwsim("docs", "examples").out.split())
    assert all(one["about"] in printed for one in listed)
    assert len(hwsim("docs", "examples", "--copy", "new/mine", "--json").json["files"]) == len(texts)
    assert {path.name: path.read_text() for path in (tmp_path / "new/mine").iterdir()} == texts
    (tmp_path / "other").mkdir()
    (tmp_path / "other/train_iris.py").write_text("mine")
    for arguments, message in (
        (["examples", "--copy", "other"], "is there already"),
        (["--copy", "third"], "docs examples --copy third"),
        (["examples", "--html", "third"], "--html is for guides"),
        (["examples", "--copy", "third", "--force"], "--force is for guides"),
        (["example"], "did you mean examples?"),
    ):
        answer = hwsim("docs", *arguments)
        assert (answer.code, answer.out) == (2, "")
        assert message in answer.err
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["train_iris.py"]
    assert not (tmp_path / "third").exists()


def test_a_terminal_gets_a_guide_through_its_pager() -> None:
    """The pager has all of it, without codes where it would print them as text."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"PAGER": "cat", "TERM": "xterm", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-m", "hwsim", "docs", "devices"], stdout=theirs, env=environment, cwd=ROOT) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    assert process.returncode == 0
    lines = shown.decode().replace("\r\n", "\n").splitlines()
    assert guide("devices").title in lines
    assert "\x1b" not in shown.decode()
    assert len(lines) > 60


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other end is closed
        return b""
