"""README.md keeps its word: it is short, what it names is there, and its results are those of results/."""

import json
import re
import statistics
from fnmatch import fnmatchcase
from pathlib import Path

from support.markdown import code_blocks, inline_code

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_it_is_short() -> None:
    """What does not fit 150 lines is in a guide, and its Python fits ten lines of statements."""
    assert len(README.splitlines()) <= 150
    (python,) = [block.text for block in code_blocks(README) if block.language == "python"]
    assert len([line for line in python.splitlines() if line]) <= 12


def test_the_make_targets_exist() -> None:
    """Every target that README or continuous integration names is in the Makefile, and README names those of the latter."""
    of_ci = re.findall(r"^make (\w+)", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)
    in_readme = set(re.findall(r"(?:`|^)make ([\w-]+)", README, re.MULTILINE))
    assert of_ci == ["lint", "test"]
    assert in_readme >= {"train", "bench", "test-torch", *of_ci}
    for target in in_readme:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def test_what_its_commands_write_is_ignored_by_git() -> None:
    """In a checkout nothing that is not the project's own is left to be committed by mistake; nothing that is, is ignored."""
    shell = "\n".join(block.text for block in code_blocks(README) if block.language == "sh")
    commands = [shell, *inline_code(README), "hwsim report iris -o iris-figures/"]  # the folder of a report's pictures
    written = re.findall(r"(?:-o|--out|--plot|--html) ([^\s`]*[a-z/][^\s`]*)", "\n".join(commands))
    python = "\n".join(block.text for block in code_blocks(README) if block.language == "python")
    written += re.findall(r'(?:to_spice|save)\("([^"]*)"', python)
    assert {"iris.cir", "iris.html", "runs/iris", "runs/my-iris", "learn.cir", "power.cir"} <= set(written)
    patterns = (ROOT / ".gitignore").read_text(encoding="utf-8").split()

    def ignored(path: str) -> bool:
        top = f"/{path.partition('/')[0]}" + "/" * ("/" in path)
        return any(fnmatchcase(top, pattern) for pattern in patterns)

    assert [path for path in written if not ignored(path)] == []
    ours = ("README.md", "LICENSE", "Makefile", "CITATION.cff", "pyproject.toml", "requirements.lock", "circuits/", "results/", "tests/")
    assert not any(map(ignored, ours))
    packages = {folder.name for folder in (ROOT / "netlists").iterdir()}
    assert not {pattern.rstrip("/") for pattern in patterns if not pattern.startswith("/")} & packages - {"__pycache__"}


def test_it_leads_to_every_guide() -> None:
    """Each guide has a link."""
    for path in (ROOT / "hwsim/docs").glob("*.md"):
        assert f"(hwsim/docs/{path.name})" in README, path


def test_its_results_are_those_of_results() -> None:
    """Cross-validated errors, means over seeds, studies and ratios are what results/ has, with the same intervals."""
    summary = (ROOT / "results/summary.md").read_text(encoding="utf-8")
    rows = {command: result for _, result, command in re.findall(r"^\| ([^|]*) \| ([^|]*) \| `([^`|]*)` \|$", README, re.MULTILINE)}
    assert rows.pop("hwsim train digits --folds 5 --repeats 5") in summary
    assert rows.pop("hwsim check WHAT") in summary
    errors = [json.loads(path.read_text())["test_error"] for path in sorted(ROOT.glob("results/runs/mnist-1024-[012]/summary.json"))]
    assert len(errors) == 3
    mean, width = 100 * statistics.mean(errors), 100 * 4.303 * statistics.stdev(errors) / 3**0.5  # Student's t, 2 degrees of freedom
    assert rows.pop("hwsim train mnist-1024 --seed SEED") == f"{mean:.2f} % ({mean - width:.2f} to {mean + width:.2f})"
    texts = [(ROOT / f"results/studies/mismatched-{mode}.txt").read_text(encoding="utf-8") for mode in ("train", "transfer")]
    matches = [re.search(r"\n +1 .* ([\d.]+) +([\d.]+) – ([\d.]+) ", text) for text in texts]
    studied = "; ".join(f"{row[1]} % ({row[2]} to {row[3]})" for row in matches if row)
    assert rows.pop("python results/studies.py mismatched-train mismatched-transfer") == studied
    engines = json.loads((ROOT / "results/benchmarks/engines.json").read_text(encoding="utf-8"))
    (ratio,) = [one["ratio"] for one in engines["results"] if one["circuit"] == "digits"]
    speed = f"{ratio['median']:.0f} times faster ({ratio['least']:.0f} to {ratio['most']:.0f}, five rounds)"
    assert rows.pop("hwsim bench engines --rounds 5") == speed
    assert not rows
