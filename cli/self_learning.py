"""Decks that learn by themselves: options, writing, running and checking one."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.options import Number, typed
from cli.tables import table

if TYPE_CHECKING:
    from cli.output import Output
    from hwsim.runs.loaded import LoadedModel

POSITIVE = Number(min=0, min_open=True)

_OPTIONS = {
    "epochs": (click.IntRange(min=1), "N", "How often each training sample is shown [default: the experiment's]."),
    "rate": (POSITIVE, "RATE", "What a presentation changes, for a unit of gradient, in S²/V² [default: by ranges]."),
    "beta": (POSITIVE, "SIEMENS", "Of the nudge [default: the experiment's, or 1/20 of the outputs' conductance]."),
    "presentation": (POSITIVE, "SECONDS", "How long a sample is shown [default: 1e-3]."),
    "twins": (click.Choice(["opposed", "free"]), None, "Nudge both twins (or phases), or leave one free [default: opposed]."),
    "two-phase": (click.IntRange(1, 50), "N", "One circuit for both twins, its phases in turn, N times a presentation."),
    "knobs": (click.IntRange(1, 50), "N", "The same, and conductances give way to the circuit's own forces: agnostic learning."),
    "chops": (click.IntRange(min=1), "N", "Let the twins change sides N times a presentation."),
    "comparators": (POSITIVE, "VOLT", "Learn by the sign of the gradient alone; what comparators resolve."),
    "average": (POSITIVE, "N", "Let comparators decide by the mean over N presentations."),
    "leak": (POSITIVE, "N", "Let memories lose all but 1/e of their charge in N presentations."),
    "mismatch": (Number(min=0), "SHARE", "Standard deviation between the conductances of both twins."),
}

_FIELDS = {"two-phase": "cycles", "presentation": "period", "comparators": "resolution"}


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--self-learning` and the options that belong to it; the command gets `learning`, a dictionary of these, or None."""

    @wraps(function)
    def command(*args: Any, self_learning: bool, **kwargs: Any) -> Any:
        chosen = {name: value for name in _OPTIONS if (value := kwargs.pop(name.replace("-", "_"))) is not None}
        if chosen and not self_learning:
            msg = f"--{next(iter(chosen))} is for --self-learning"
            raise click.UsageError(msg)
        return function(*args, learning={_FIELDS.get(k, k): v for k, v in chosen.items()} if self_learning else None, **kwargs)

    for name, (kind, metavar, text) in reversed(_OPTIONS.items()):
        command = click.option(f"--{name}", type=kind, metavar=metavar, help=f"--self-learning: {text}")(command)
    flag = click.option("--self-learning", is_flag=True, help="A deck that learns by itself, in one transient analysis.")
    return flag(command)


def epochs(learning: dict[str, Any] | None, *, plain: bool) -> int | None:
    """Take the epochs out of the options of a deck that learns by itself; what does not fit together is refused.

    Raises
    ------
    click.UsageError
        When the deck is to be written in another way as well, or options are of comparators or twins that are not there.

    """
    if learning is None:
        return None
    if not plain:
        msg = "--self-learning writes a deck of its own; omit --measure, --dialect, --flat and --after"
        raise click.UsageError(msg)
    if "average" in learning and "resolution" not in learning:
        msg = "--average is that of comparators; add --comparators VOLT"
        raise click.UsageError(msg)
    if "knobs" in learning:
        if other := next((name for name in ("two-phase", "comparators") if _FIELDS[name] in learning), None):
            msg = f"--knobs has two phases of its own, and nothing that compares; omit --{other}"
            raise click.UsageError(msg)
        learning |= {"cycles": learning["knobs"], "knobs": True}
    if "cycles" in learning and (twin := next((name for name in ("chops", "mismatch") if name in learning), None)):
        alone = "--knobs" if "knobs" in learning else "--two-phase"
        msg = f"--{twin} is that of twins, and {alone} has one circuit alone; omit --{twin}"
        raise click.UsageError(msg)
    if "knobs" in learning and "rate" not in learning:
        msg = "--knobs needs --rate, which states how soft springs are; begin with 1e-11"
        raise click.UsageError(msg)
    taken: int | None = learning.pop("epochs", None)
    return taken


def refuse_chain(learning: dict[str, Any] | None) -> None:
    """Refuse chains: their blocks learn one after the other.

    Raises
    ------
    click.UsageError
        When a deck that learns by itself was asked for.

    """
    if learning is not None:
        msg = "--self-learning is for a single circuit, and this is a chain of blocks; choose another WHAT"
        raise click.UsageError(msg)


def text(output: "Output", given: "LoadedModel", learning: dict[str, Any]) -> str:
    """Write the deck of a model that learns by itself."""
    from hwsim.self_learning.compiled import self_learning_deck  # noqa: PLC0415 - for this alone
    from hwsim.self_learning.options import LearningOptions  # noqa: PLC0415 - for this alone

    output.notes(given.session.notes)
    return self_learning_deck(given.session, given.g, LearningOptions(**learning), (given.note,))


def is_deck(what: str) -> bool:
    """Whether a user names a deck that learns by itself."""
    if Path(what).suffix.lower() not in {".cir", ".net", ".sp", ".spice"} or not Path(what).is_file():
        return False
    from hwsim.self_learning.embedded import is_self_learning  # noqa: PLC0415 - for decks alone

    return is_self_learning(what)


def _refuse_others(what: str, *allowed: str) -> None:
    """Refuse options that would change nothing of a deck that learns by itself."""
    for name, option in typed().items():
        if name not in {"what", "json", "debug", "force", *allowed}:
            msg = f"{what} learns by itself, as its own lines state; omit {option}"
            raise click.UsageError(msg)


def run(output: "Output", what: str, out: Path | None, plot: Path | None, *, force: bool) -> None:
    """Let a deck learn, print what it answers before and after, and write a run folder of what it learned."""
    from hwsim.files import atomic  # noqa: PLC0415 - help does without
    from hwsim.models.model import Model  # noqa: PLC0415 - for this alone
    from hwsim.runs.folder import RunFolder  # noqa: PLC0415 - for this alone
    from hwsim.self_learning import embedded, learning_plot  # noqa: PLC0415 - for this alone
    from hwsim.self_learning.followed import follow  # noqa: PLC0415 - for this alone
    from hwsim.sweep import outputs  # noqa: PLC0415 - for this alone

    _refuse_others(what, "out", "plot")
    if out is not None:
        RunFolder(out).refuse_used()
    deck = embedded.read(what)
    outputs.refuse(
        [outputs.OutputFile("--plot", plot, outputs.PICTURE)] if plot else [], outputs.inputs(what, deck.experiment), force=force
    )
    learned = follow(deck, what)
    if out is not None:
        Model(learned.session, learned.g).save(out)
    if plot is not None:
        atomic.write(plot, learning_plot.picture(learned, what))
    shown = learned.shown
    parts = {"held-out": range(shown.count - shown.trained), "training": range(shown.count - shown.trained, shown.count)}
    rows, result = [], {}
    for name, part in parts.items():
        for when, first in (("before", 0), ("after", shown.shown - shown.count)):
            if part:
                which = slice(first + part.start, first + part.stop)
                right = None if learned.right is None else round(float(learned.right[which].sum()))
                loss = float(learned.loss[which].mean())
                result[f"{name}_{when}"] = {"samples": len(part), "right": right, "loss_V2": loss}
                rows.append((name, when, "" if right is None else f"{right} of {len(part)}", f"{loss:.3g}"))
    text = table(("samples", "learning", "right", "loss [V²]"), rows, keys=2)
    output.result({"what": what, "run": None if out is None else str(out), **result}, text if out is None else f"{text}\n\nrun {out}")


def check(output: "Output", what: str, presentations: int) -> int:
    """Compare what a deck learns in its first presentations with the gradient flow by the numeric engine."""
    from hwsim.self_learning import embedded  # noqa: PLC0415 - help does without
    from hwsim.self_learning.flow import AGREE_FLOW, distance  # noqa: PLC0415 - for this alone
    from hwsim.self_learning.followed import follow  # noqa: PLC0415 - for this alone

    _refuse_others(what, "samples")
    deck = embedded.read(what)
    if deck.options.resolution is not None:
        msg = f"{what}: it learns by signs alone, and so follows no gradient; nothing is compared"
        raise click.UsageError(msg)
    learned = follow(deck, what, presentations)
    count = min(presentations, len(learned.loss) - learned.shown.count)
    apart = distance(learned, count)
    holds = apart <= AGREE_FLOW
    finding = {"value": apart, "limit": AGREE_FLOW, "unit": "of the way", "holds": holds}
    row = ("gradient_flow", f"{apart:.2e}", f"{AGREE_FLOW:.2g}", "holds" if holds else "FAILS", f"of the way in {count} presentations")
    result = {"what": what, "presentations": count, "findings": {"gradient_flow": finding}, "passed": holds}
    output.result(result, table(("check", "value", "limit", "", "unit"), [row]))
    return 0 if holds else 1
