"""The guides: their topics in reading order, and their text."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from importlib.resources import files

TOPICS = {
    "quick-start": "Train a circuit, look at it, run it in ngspice.",
    "commands": "What each command does, run folders, exit codes.",
    "python": "Fit, predict and sweep from Python; scikit-learn.",
    "physics": "The circuit, its energy, the gradient, how it is solved.",
    "experiments": "Experiment files: circuit, data, training, solver.",
    "blocks": "Chains of circuits and digital layers, trained as one.",
    "local-rules": "Layers that learn for themselves: forward-forward.",
    "netlists": "Your own SPICE deck: what is trainable, input, output.",
    "devices": "Memristors: presets, pulses, a fit to your measurements.",
    "few-bits": "Devices of few levels, binary weights, updates by shifts.",
    "variation": "Chips that differ, noise, heat, drift, wires.",
    "transients": "Circuits in time: trajectories, settling, energy.",
    "reservoirs": "Drawn recurrent circuits that series drive, read-outs.",
    "datasheet": "What a designer asks of a chip: watts, seconds, limits.",
    "self-learning": "A netlist that learns by itself, step by step.",
    "company": "Chips that learn together and exchange what they answer.",
    "sweeps": "Many chips and seeds, searches, graphics cards, clusters.",
    "layers": "A circuit as a layer of a JAX or PyTorch model.",
    "reliability": "What is promised, how it is tested, what is not covered.",
    "contributing": "Add a neuron, a device, a learning rule, an engine.",
    "changelog": "What changed from version to version.",
}
"""Every topic and what its guide is about, in reading order. The guide of a topic is the file TOPIC.md next to this one."""

_LINK = re.compile(r"\[([^\]]+)\]\(([a-z-]+)\.md(?:#[\w-]*)?\)")


@dataclass(frozen=True, slots=True)
class Guide:
    """One guide.

    Parameters
    ----------
    topic
        Its name on the command line and the stem of its file.
    about
        A line that describes it.
    text
        Markdown: headings, paragraphs, lists, tables, code blocks. A block's first line names the language; a file name after that is
        where the block is to be saved, any other word why its commands are not run by the tests.

    """

    topic: str
    about: str
    text: str

    @property
    def title(self) -> str:
        """The guide's first heading."""
        return self.text.partition("\n")[0].removeprefix("# ")


def guide(topic: str) -> Guide:
    """Read the guide of a topic.

    Raises
    ------
    KeyError
        When there is no such topic.

    """
    about = TOPICS[topic]
    return Guide(topic, about, files("hwsim.docs").joinpath(f"{topic}.md").read_text(encoding="utf-8"))


def commands_for_links(text: str, here: Collection[str] = ()) -> str:
    """Replace links to guides by the commands that print them, but for the topics that are `here`, to which a link can lead."""
    return _LINK.sub(lambda link: link[0] if link[2] in here or link[2] not in TOPICS else f"{link[1]} (`hwsim docs {link[2]}`)", text)


def picture(name: str) -> str:
    """Read an SVG picture that a guide shows."""
    return files("hwsim.docs").joinpath(name).read_text(encoding="utf-8")
