"""Notes of commands about a chip's age: the drift of its memristors, or that they have no drift model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cli.output import Output

if TYPE_CHECKING:
    from hwsim.runs.loaded import LoadedModel


def aged(output: Output, given: "LoadedModel") -> dict[str, Any]:
    """Note where there is no drift model, and return the drift for JSON, the first one of a chain; `drift` is null without one."""
    after = given.experiment.variation.after
    drifts = given.drifts if after else {}
    no_drift(output, [preset for preset, drift in drifts.items() if drift is None])
    for preset, drift in drifts.items():
        if drift is not None and after <= drift.t0:
            output.note(f"{preset} drifts from {drift.t0:g} s on, and variation.after is {after:g} s: nothing has changed")
    first = next((drift for drift in drifts.values() if drift is not None), None)
    return {"after_s": after, "drift": first and first.model_dump()}


def no_drift(output: Output, presets: Sequence[str]) -> None:
    """Note that these presets have no drift model."""
    for preset in presets:
        output.note(f"{preset} has no drift model: its conductances are used as programmed")


def spelled_age(given: "LoadedModel") -> str:
    """Describe the chip's age and temperature where they are not those of a fresh one at 27 °C."""
    from circuits.constants import TEMPERATURE  # noqa: PLC0415 - help does without
    from hwsim.settings.durations import spelled  # noqa: PLC0415 - for this command alone

    variation = given.experiment.variation
    words = []
    if variation.after:
        words.append(f"after {spelled(variation.after)}{'' if any(given.drifts.values()) else ' (no drift model, none counted)'}")
    if variation.kelvin != TEMPERATURE:
        words.append(f"at {variation.temperature:g} °C")
    return "".join(f" {word}" for word in words)
