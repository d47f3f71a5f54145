"""Learnt samples: what may change when a trained circuit is tested, so that it is never tested on what it has learnt."""

from pathlib import Path

from circuits.quoting import quote_path, quoted
from hwsim import weights
from hwsim.experiment import RUN_FILE, Experiment, ExperimentError, load

_FREE = {"name", "scaling", "clip", "shift", "test_limit"}
"""Keys of the data that move no sample from one part to the other; every other key is taken to do so."""


def refuse_learnt(what: str, trained: Experiment, asked: Experiment) -> None:
    """Refuse to test a run with another division of its data into what is learnt and what is tested.

    Data of another name were not learnt at all, however they are divided.

    Raises
    ------
    ExperimentError
        Naming the key.

    """
    if not _same(trained.data.name, asked.data.name):
        return
    keys = [f"data.{key}" for key in type(asked.data).model_fields if key not in _FREE]
    for key in ("training.seed", *keys):
        section, _, name = key.partition(".")
        was, now = (getattr(getattr(one, section), name) for one in (trained, asked))
        if was != now:
            values = f"{quoted(now)}, and it was trained with {quoted(was)}".replace("None", "nothing")
            msg = f"{quote_path(what)}: {key} is {values}, so samples that it has learnt may be tested; keep {key}, or name other data"
            raise ExperimentError(msg)


def refuse_learnt_start(experiment: Experiment) -> None:
    """Refuse to start from what a run learned when another division of the same data is trained on and tested.

    Raises
    ------
    ExperimentError
        Naming the key.

    """
    folder = weights.run_of(experiment.training.start) if experiment.training.start is not None else None
    if folder is not None and (folder / RUN_FILE).is_file():
        refuse_learnt(str(folder), load(str(folder)), experiment)


def _same(first: str, second: str) -> bool:
    """Whether two names of data mean the same."""
    return first == second or Path(first).resolve() == Path(second).resolve()
