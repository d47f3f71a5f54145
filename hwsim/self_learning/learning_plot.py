"""A picture of what a self-learning deck learned: loss and conductances, presentation by presentation."""

import numpy as np

from hwsim.files.figures import new_figure, png_bytes
from hwsim.self_learning.followed import Learned

_LINES = 200
"""Most conductances that are drawn."""

_LEAST = 1e-16
"""V²; the least loss that a logarithmic axis shows."""


def picture(learned: Learned, title: str) -> bytes:
    """Draw the loss of each pass over the samples, and the voltage of each memory; returns the PNG's bytes."""
    shown, learning = learned.shown, learned.shown.learning
    figure = new_figure(9, 3.6, dpi=150)
    left, right = figure.subplots(1, 2)
    part = learned.loss[shown.count :]
    passes = part[: len(part) // shown.trained * shown.trained].reshape(-1, shown.trained).mean(axis=1)[: learning.epochs]
    left.semilogy(np.arange(1, len(passes) + 1), np.maximum(passes, _LEAST), linewidth=1.3)
    left.set(title="Loss", xlabel="pass over the samples", ylabel="mean loss of a sample [V²]")
    seconds = learning.period * np.arange(1, len(learned.loss) + 1)
    volts = np.concatenate([values.reshape(len(values), -1) for values in learned.conductances.values()], axis=1) / learning.volt
    right.plot(seconds, volts[:, :: -(-volts.shape[1] // _LINES)], linewidth=0.8)
    right.axvspan(shown.begin, min(shown.end, seconds[-1]), color="0.93", zorder=0)
    right.set(title="Memories", xlabel="time [s]", ylabel=f"voltage [V], of {learning.volt:g} S each")
    for axes in (left, right):
        axes.grid(visible=True, alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title)
    return png_bytes(figure)
