"""Decks that learn by themselves, from the command line: written, run by ngspice alone, read back, checked, refused."""

import re
import subprocess
from pathlib import Path

import pytest

SMALL = ("--self-learning", "--seed", "4", "--epochs", "2", "--rate", "1e-8", "--set", "circuit.layers.0.size=2")


def test_a_deck_is_run_by_ngspice_alone_and_by_hwsim_and_checked(hwsim, tmp_path: Path) -> None:
    """All of them start from the same conductances, and come to the same answers; the run has what was learned."""
    assert hwsim("compile", "xor", *SMALL, "-o", "learn.cir").code == 0
    printed = subprocess.run(["ngspice", "-b", "learn.cir"], capture_output=True, text=True, check=True).stdout
    (power,) = re.findall(r"watts_mean\s*=\s*(\S+)", printed)
    assert float(power) > 0
    ran = hwsim("run", "learn.cir", "-o", "learned", "--plot", "learned.png", "--json").json
    for when in ("before", "after"):
        ((right, loss),) = re.findall(rf"{when}: (\d) of 4 answers right with loss (\S+) V", printed)
        assert ran[f"training_{when}"]["right"] == int(right)
        assert ran[f"training_{when}"]["loss_V2"] == pytest.approx(float(loss), rel=1e-4)
    assert (tmp_path / "learned.png").read_bytes().startswith(b"\x89PNG")
    assert hwsim("evaluate", "learned", "--json").json["test_error"] == 1 - ran["training_after"]["right"] / 4
    checked = hwsim("check", "learn.cir", "--samples", "1", "--json").json
    assert checked["findings"]["gradient_flow"]["holds"]
    for words, option in ((("run", "learn.cir", "--period", "1"), "--period"), (("check", "learn.cir", "--chip", "1"), "--chip")):
        refused = hwsim(*words)
        assert refused.code == 2
        assert f"omit {option}" in refused.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--leak", "3"), "--leak is for --self-learning"),
        (("--self-learning", "--measure", "power"), "omit --measure"),
        (("--self-learning", "--presentation", "0"), "presentation"),
        (("--self-learning", "--average", "4"), "add --comparators"),
        (("--self-learning", "--two-phase", "1", "--chops", "4"), "omit --chops"),
        (("--self-learning", "--knobs", "1", "--mismatch", "0.1"), "--knobs has one circuit alone; omit --mismatch"),
        (("--self-learning", "--knobs", "1", "--two-phase", "2"), "omit --two-phase"),
        (("--self-learning", "--knobs", "1"), "--knobs needs --rate"),
        (("--self-learning", "--knobs", "1", "--comparators", "1e-6"), "omit --comparators"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_options_that_would_do_nothing_are_refused(hwsim, options: tuple[str, ...], message: str) -> None:
    """In one line, and nothing is written."""
    answer = hwsim("compile", "xor", *options, "-o", "learn.cir")
    assert answer.code == 2
    assert message in answer.err
    assert not Path("learn.cir").exists()


def test_a_deck_learns_real_targets_and_tries_held_out_samples(hwsim) -> None:
    """Resistors alone learn a linear map in one pass, which shows in samples that they were never shown."""
    hwsim("compile", "linear-map", "--self-learning", "--epochs", "1", "--set", "data.train_limit=20", "-o", "map.cir")
    ran = hwsim("run", "map.cir", "--json").json
    assert ran["held-out_after"]["loss_V2"] < 0.1 * ran["held-out_before"]["loss_V2"]
