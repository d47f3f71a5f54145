"""What is wrong with an experiment, in a line."""


class ExperimentError(ValueError):
    """An experiment that cannot be read or is wrong; the message names file, key, value and remedy.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.load("iris", {"training.epochs": 0})
    Traceback (most recent call last):
    hwsim.experiment.experiment_errors.ExperimentError: settings training.epochs = 0: training.epochs = 0: should be greater than 0

    """


class SizesError(ExperimentError):
    """Data that do not fit a network: their numbers of features, and of classes or targets, are other ones."""

    def __init__(self, text: str, features: int, answers: int) -> None:
        self.features, self.answers = features, answers
        super().__init__(text)
