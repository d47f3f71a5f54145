"""Pretraining: the sections `[[pretraining]]` of an experiment file, a stage each."""

from pydantic import PositiveInt

from hwsim.settings.sections import Section


class PretrainingStage(Section):
    """A training of the first hidden layers as an autoencoder, stage by stage, before the whole circuit learns.

    Parameters
    ----------
    layers
        Hidden layers, from the inputs on, whose nodes an array of the stage's own leads to outputs that are to repeat the inputs' voltages.
        Arrays begin with what the stage before learned, and keep it unless `training.rate` among the settings names a rate for each.
    epochs
        Passes over the training set.
    settings
        Other keys of the circuit and of the training in this stage, and `data.denoise` and `data.input_dropout`, each as after `--set`:
        `"circuit.layers[0].neuron.v_high=0.3"`. All others are the experiment's; the loss is the squared error.

    """

    layers: PositiveInt
    epochs: PositiveInt
    settings: tuple[str, ...] = ()
