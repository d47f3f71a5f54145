"""Whether data and training fit a reservoir, and keys of series fit data."""

from typing import TYPE_CHECKING

from circuits.quoting import quote_path
from hwsim.experiment.loop_checks import refused_loop
from hwsim.experiment.netlist_circuit import Netlist
from hwsim.settings.data_names import COMPUTED, FORETOLD, SERIES
from hwsim.settings.propagation_kinds import EndToEnd

if TYPE_CHECKING:
    from hwsim.experiment.experiment import Experiment


def check_sequences(experiment: "Experiment") -> None:
    """Refuse keys of series where data are none, and what no reservoir takes.

    Raises
    ------
    ValueError
        Naming the key to change.

    """
    data = experiment.data
    for key, names in (("length", SERIES), ("horizon", FORETOLD), ("seed", COMPUTED)):
        if data.name not in names and getattr(data, key) != type(data).model_fields[key].default:
            msg = f"data.{key} = {getattr(data, key)} is for {', '.join(sorted(names))}, and data are {quote_path(data.name)}; omit it"
            raise ValueError(msg)
    if refused := refused_loop(experiment.blocks or (), experiment.reservoir, data, experiment.training.engine):
        raise ValueError(refused)
    if experiment.reservoir is None:
        return
    if data.task == "reconstruction" or experiment.pretraining or isinstance(experiment.circuit, Netlist):
        what = (
            "pretraining" if experiment.pretraining else "a netlist" if experiment.circuit is not None else "data.task = 'reconstruction'"
        )
        msg = f"reservoir: its states are read by a network or by blocks, of real targets or classes, and not by {what}; omit that"
        raise ValueError(msg)
    if data.moving or data.input_dropout or data.denoise:
        msg = "reservoir: data.shift, flip, input_dropout and denoise change samples at each update, and its states stay; omit them"
        raise ValueError(msg)
    if experiment.training.propagation != EndToEnd():
        msg = f"reservoir: training.propagation.kind = '{experiment.training.propagation.kind}' is of chains that features drive; omit it"
        raise ValueError(msg)
    if experiment.reservoir.reads > 1 and data.task != "classification":
        msg = f"reservoir.reads = {experiment.reservoir.reads}: real targets belong to each row, whose states are read; set it to 1"
        raise ValueError(msg)
