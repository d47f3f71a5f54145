"""Draws what a self-learning exclusive or does: `python results/figures/self_learning.py FILE.svg`."""

import re
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import hwsim as hw
from hwsim.self_learning.compiled import self_learning_deck
from hwsim.self_learning.embedded import read
from hwsim.self_learning.followed import follow
from hwsim.self_learning.options import LearningOptions

EVERY = 4
"""Only the end of each pass is drawn, of the memories of the second crossbar."""


def main(path: Path) -> None:
    """Let a deck learn, and draw its loss and its memories."""
    session = hw.Session.of(hw.load("xor", {"training.epochs": 100, "training.seed": 0}))
    deck = path.with_suffix(".cir")
    deck.write_text(self_learning_deck(session, session.begun(), LearningOptions()), encoding="utf-8")
    learned = follow(read(str(deck)), str(deck))
    deck.unlink()
    mpl.rcParams.update({"svg.hashsalt": "hwsim", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9})
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    passes = learned.loss.reshape(-1, EVERY).mean(axis=1)
    left.semilogy(passes, color="#1f4e79", linewidth=1.2)
    left.set(xlabel="pass over the four samples", ylabel="mean loss [V²]")
    seconds = 1e-3 * np.arange(EVERY, len(learned.loss) + 1, EVERY)
    volts = learned.conductances["w2"][EVERY - 1 :: EVERY].reshape(len(seconds), -1) / learned.shown.learning.volt
    right.plot(seconds, volts, linewidth=0.8)
    right.set(xlabel="time [s]", ylabel="memories of w2 [V]")
    for axes in (left, right):
        axes.grid(visible=True, alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="svg", metadata={"Date": None})
    text = re.sub(r'(?<= id=")|(?<=url\(#)|(?<=href="#)', "self-learning-", path.read_text(encoding="utf-8"))  # a page has other pictures
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
