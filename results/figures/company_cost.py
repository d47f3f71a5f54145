"""Bytes and time of an epoch of chips in company, from 2 to 1,000 chips: `python results/figures/company_cost.py [FILE.png]`.

Sizes are those of messages that are made here, of mnist-100; the network is stated below. The table that it prints is in
results/company.md.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hwsim.company.messages import byte_count
from hwsim.experiment.loading import load
from hwsim.formatting import quantity
from hwsim.settings.company_settings import SentPrecision

HERE = Path(__file__).parent
RATE, LATENCY = 1e9 / 8, 1e-4
"""A network of 1 Gbit/s to each machine, both ways at once, whose messages take 0.1 ms besides."""

LABELLED, COMMON, BATCH = 12_000, 12_000, 32
"""Images of each chip, common images, and images of an update; all chips bring as many of their own."""

SHOWN = (2, 4, 10, 100, 1000)
CHIPS = np.unique([*np.geomspace(2, 1000, 60).round().astype(int), *SHOWN])


class EpochCost(NamedTuple):
    """What an exchange takes: bytes of all chips in an epoch, those through the busiest link, and messages one after the other."""

    name: str
    sent: np.ndarray
    busiest: np.ndarray
    rounds: np.ndarray | int

    @property
    def seconds(self) -> np.ndarray:
        """The time of an epoch's exchanges."""
        return self.rounds * LATENCY + self.busiest / RATE


def message(numbers: int, precision: SentPrecision) -> int:
    """Make a message of random numbers as it is sent, and return its bytes; it has to be as long as runs count it."""
    values = np.random.default_rng(0).normal(size=numbers)
    match precision:
        case "float32":
            content = values.astype(np.float32).tobytes()
        case "int8":
            low, high = np.float32(values.min()), np.float32(values.max())
            content = np.round((values - low) / (high - low) * 255).astype(np.uint8).tobytes() + low.tobytes() + high.tobytes()
        case "sign":
            content = np.packbits(values > 0).tobytes() + np.abs(values).mean().tobytes()
    if len(content) != byte_count(numbers, precision):
        msg = f"{numbers} numbers of {precision} take {len(content)} bytes, and runs count {byte_count(numbers, precision)}"
        raise ValueError(msg)
    return len(content)


def costs() -> Iterator[EpochCost]:
    """List the exchanges.

    Means are formed by one more machine, whose link all messages pass, in and then, in 32 bits, out; or by the chips themselves, by
    all-reduce in a ring, in 32 bits. Outputs go from chip to chip: to all others, or to the neighbour in a ring.
    """
    circuit = load("mnist-100").one_circuit.compile("mnist-100")
    conductances, outputs = sum(len(element) for element in circuit.trainable), len(circuit.outputs)
    updates, n = LABELLED // BATCH, CHIPS.astype(float)
    one = message(conductances, "float32")
    for precision in ("float32", "sign"):
        both_ways = n * updates * (message(conductances, precision) + one)
        yield EpochCost(f"mean-gradient, {precision}", both_ways, both_ways, 2 * updates)
    around = 2 * (n - 1)  # messages of 1/n of the numbers that each chip passes on
    yield EpochCost("mean-gradient, all-reduce", updates * around * one, updates * around * one / n, updates * around)
    yield EpochCost("mean-weights, float32", 2 * n * one, 2 * n * one, 2)
    yield EpochCost("mean-weights, all-reduce", around * one, around * one / n, around)
    answers = message(COMMON * outputs, "float32")
    yield EpochCost("outputs to all, float32", n * (n - 1) * answers, (n - 1) * answers, 1)
    few = message(COMMON * outputs, "int8")
    yield EpochCost("outputs to all, int8", n * (n - 1) * few, (n - 1) * few, 1)
    yield EpochCost("outputs in a ring, float32", n * answers, 0 * n + answers, 1)


def draw(each: list[EpochCost], path: Path) -> None:
    """Draw bytes and time."""
    figure = Figure(figsize=(9.2, 4.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for number, cost in enumerate(each):
        style = {"color": f"C{number}", "linewidth": 1.5, "label": cost.name}
        left.plot(CHIPS, cost.sent, **style)
        right.plot(CHIPS, cost.seconds, **style)
    left.set(title="Sent in an epoch by all chips", ylabel="sent [bytes]")
    right.set(title="Time of an epoch's exchanges", ylabel="time [s], 1 Gbit/s and 0.1 ms")
    for axes in (left, right):
        axes.set(xscale="log", yscale="log", xlabel="chips")
        axes.grid(visible=True, alpha=0.3)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    figure.suptitle(f"mnist-100: {LABELLED:,} images a chip, {COMMON:,} common ones", fontsize=10)
    figure.savefig(path, metadata={"Software": None})


def main(words: list[str]) -> None:
    """Draw, and print the table."""
    each = list(costs())
    draw(each, Path(words[0]) if words else HERE / "company-cost.png")
    lines = [" | ".join(["| exchange", *(f"{k:,} chips" for k in SHOWN)]) + " |", "|---|" + "---|" * len(SHOWN)]
    for cost in each:
        at = [int(np.flatnonzero(k == CHIPS)[0]) for k in SHOWN]
        cells = [f"{quantity(float(cost.sent[k]), 'B')}, {quantity(float(cost.seconds[k]), 's')}" for k in at]
        lines.append(" | ".join([f"| {cost.name}", *cells]) + " |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
