"""The reservoir in front of a read-out as a model of its own: what simulates, describes and writes circuits in time takes it."""

from dataclasses import replace

from circuits.units import Second
from hwsim.data.as_rows import as_rows
from hwsim.runs.loaded import LoadedModel
from hwsim.session import Session


def in_front(given: LoadedModel) -> LoadedModel:
    """Return the reservoir of a model, driven by the rows of its data; a model without one as it is."""
    experiment = given.experiment
    if experiment.reservoir is None:
        return given
    reservoir = given.session.reservoir
    training = experiment.training.model_copy(update={"engine": reservoir.drawn.engine(experiment.training.engine)})
    circuit = {"reservoir": None, "blocks": None, "circuit": reservoir.drawn.network, "training": training}
    session = Session.of(experiment.model_copy(update=circuit), data=as_rows(given.session.source.data))
    g = {name: values.copy() for name, values in reservoir.g.items()}
    return replace(given, session=session, g=g, wanted=g, trained=False, cut="")


def period_of(given: LoadedModel) -> Second | None:
    """Return how long a row is held of a model's reservoir [s]; None without one."""
    return None if given.experiment.reservoir is None else given.session.reservoir.drawn.period
