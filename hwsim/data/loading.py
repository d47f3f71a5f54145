"""Data sets, split, limited and scaled: what a circuit learns and what it is tested on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote
from hwsim.data.as_sequences import as_sequences
from hwsim.data.feature_scaling import scaled, scaled_rows
from hwsim.experiment.data_fit import check_sizes, image_of
from hwsim.experiment.deck_data import refuse_order
from hwsim.experiment.experiment import DataSettings, Experiment
from hwsim.experiment.known_data import known_of
from hwsim.experiment.learnt import feature_scale_of, refuse_learnt_by, refuse_learnt_start, scale_of
from hwsim.experiment.netlist_circuit import SHOWN, Netlist
from hwsim.files.raw import UNCLASSED, DataError, Samples
from hwsim.learning.dataset import Dataset, Labels
from hwsim.learning.feature_scale import FeatureScale
from hwsim.learning.target_scale import TargetScale
from hwsim.random.streams import stream
from hwsim.settings.sections import USUAL_TEST_SHARE
from netlists.text.findings import NetlistError

_FEW = 10
"""Samples a class from which on some are held out for testing."""


def load_data(experiment: Experiment, run: str | None = None) -> Dataset:
    """Read an experiment's data, hold out the test set or a validation set, and scale by what the training set shows.

    `run` is the folder of the run whose conductances are to be tested, if any; its own scales count then. Features are not rounded by the
    inputs' converters yet: `Session.data` does that, for its chip.

    Raises
    ------
    DataError
        When there are none, they are unreadable, too few, or not finite.
    ExperimentError
        When they do not fit the circuit's inputs and outputs, or when a run that is tested or started from may have learned samples of the
        test set.

    """
    from hwsim.data.sources import read  # noqa: PLC0415 - scikit-learn and the readers load only for those who read data

    refuse_learnt_start(experiment)
    if experiment.data.name == SHOWN:
        return _shown(experiment)
    return prepared(read(experiment.data.name, experiment.data), experiment, run)


def prepared(samples: Samples, experiment: Experiment, run: str | None = None) -> Dataset:
    """Divide and scale samples by an experiment's settings; as `load_data`, which reads them."""
    settings, seed = experiment.data, experiment.training.seed
    sha256 = samples.sha256
    for place in (experiment.training.start, run):
        if place is not None:
            refuse_learnt_by(place, experiment, sha256, few=_few(samples))
    if run is None:
        samples.refuse_unlearnable()
        if isinstance(experiment.circuit, Netlist):
            refuse_order(experiment.circuit.deck, samples.header, samples.name)
    else:
        samples = known_of(run).matched(samples, run)
    answers = samples.class_names if samples.y is None else samples.target_names
    check_sizes(experiment, samples.x.shape[1], len(answers), samples.image)
    if experiment.reservoir is not None:
        samples = as_sequences(samples, settings)
    samples, notes = _divided(samples, settings, seed)
    if settings.validation is not None:
        samples = _split(samples, settings.validation, seed, "validation")
    if settings.moving:
        samples = replace(samples, image=image_of(experiment, samples.x.shape[1], samples.image))
    known_scale = None if run is None else feature_scale_of(run, settings.scaling)
    data = replace(_finished(_limited(samples, settings, seed), settings, notes, known_scale), sha256=sha256)
    return data if settings.task == "classification" else _with_targets(data, samples, experiment, run)


def _divided(samples: Samples, settings: DataSettings, seed: int) -> tuple[Samples, list[str]]:
    """Return samples with a test set, and what a user should know of it: a fold's, their own, one that is split off, or all samples."""
    notes: list[str] = []
    if samples.ordered:
        _refuse_shuffled(samples, settings)
    if settings.folds is not None:
        if samples.x_test is not None:
            notes = [f"{samples.name}: the folds are of its {len(samples.labels)} training samples; its test set is set aside"]
        samples = _fold(samples, settings.folds, settings.fold, seed)
    elif settings.test_share is None and _few(samples):
        notes = [_all_alike(samples)]
        samples = replace(samples, **{f"{name}_test": part for name, part in samples.chosen(slice(None)).items()})
    elif samples.x_test is None:
        samples = _split(samples, settings.test_share or USUAL_TEST_SHARE, seed, "split")
    elif settings.test_share is not None and settings.test_share != USUAL_TEST_SHARE:
        notes = [f"{samples.name}: has a test set, so data.test_share = {settings.test_share:g} changes nothing"]
    return samples, notes


def _refuse_shuffled(samples: Samples, settings: DataSettings) -> None:
    """Refuse to draw samples of a series at random."""
    key = "folds" if settings.folds is not None else "overfit"
    if (value := getattr(settings, key)) is not None:
        msg = f"{samples.name}: data.{key} = {value} draws samples at random, and this is a series, which is divided in time; omit it"
        raise DataError(msg)


def _few(samples: Samples) -> bool:
    """Whether samples without a test set are so few that all of them are used for training and testing, unless a share is asked for."""
    return samples.x_test is None and bool(np.bincount(samples.labels).min() < _FEW)


def _all_alike(samples: Samples) -> str:
    """Return the note that there are too few samples to hold some out."""
    counts = np.bincount(samples.labels, minlength=len(samples.class_names))
    few = f"{counts.min()} of class {quote(samples.class_names[int(counts.argmin())])}" if samples.y is None else f"{len(samples.labels)}"
    return (
        f"{samples.name}: has {few}, fewer than {_FEW}, so all its {len(samples.labels)} samples are for training and testing alike; "
        "data.test_share holds some out"
    )


def _with_targets(data: Dataset, samples: Samples, experiment: Experiment, run: str | None) -> Dataset:
    """Add real targets and their scale: that of the run whose conductances are used, or one that is fitted to the training set."""
    settings, training = experiment.data, experiment.training
    unclassed = replace(data, labels_train=0 * data.labels_train, labels_test=0 * data.labels_test, class_names=UNCLASSED)
    if settings.task == "reconstruction":
        names, volts = [samples.feature(k) for k in range(data.features)], _input_scale(experiment)
        y_train, y_test = volts * data.x_train, volts * data.x_test
        return replace(unclassed, y_train=y_train, y_test=y_test, scale=TargetScale.volts_themselves(names))
    scale = None if run is None else scale_of(run)
    y = data.targets("train")
    if scale is None or len(scale.names) != y.shape[1]:
        scale = TargetScale.fitted(data.name, y, samples.target_names, settings.target_scaling, training.target_low, training.target_high)
    return replace(unclassed, scale=replace(scale, names=samples.target_names))


def _input_scale(experiment: Experiment) -> float:
    """Return the volts that one unit of a feature makes at its input."""
    if isinstance(experiment.circuit, Netlist):
        msg = "data.task = 'reconstruction' needs a network, whose inputs have one scale, and circuit is a netlist; use 'regression'"
        raise DataError(msg)
    first = experiment.blocks[0].circuit if experiment.blocks is not None and experiment.blocks[0].kind == "circuit" else experiment.circuit
    return 1.0 if first is None else first.input_scale


def _shown(experiment: Experiment) -> Dataset:
    """Return the one sample that the sources of a netlist show, as both parts; its class is made up.

    Raises
    ------
    DataError
        When the circuit is no netlist.
    NetlistError
        When sources of one feature contradict each other: ngspice would solve another sample.

    """
    if not isinstance(experiment.circuit, Netlist):
        msg = f"data {SHOWN} are what a netlist's sources show, and circuit is none; give a data set's name or a file"
        raise DataError(msg)
    if experiment.data.task != "classification":
        msg = f"data.task = '{experiment.data.task}' needs targets, and a netlist shows none; give a data set's name or a file"
        raise DataError(msg)
    deck = experiment.circuit.deck
    if deck.contradictions:
        raise NetlistError(deck.contradictions)
    x, label = deck.x[None], np.zeros(1, dtype=np.intp)
    names = ("–",) * max(len(deck.circuit.outputs), 2)
    return Dataset(name=SHOWN, x_train=x, labels_train=label, x_test=x.copy(), labels_test=label, class_names=names)


def _split(samples: Samples, share: float, seed: int, name: str) -> Samples:
    """Split off a share of each class of the training set, at least one sample of it, as test set; the order of the others stays."""
    if samples.ordered:
        count = len(samples.labels)
        return _tested_on(samples, np.arange(count) >= count - min(max(1, round(share * count)), count - 1))
    order = stream(seed, name)
    tested = np.zeros(len(samples.labels), dtype=bool)
    for number, class_name in enumerate(samples.class_names):
        members = np.flatnonzero(samples.labels == number)
        if len(members) < 2:  # noqa: PLR2004 - one to learn from and one to test on
            of_class = f"class {quote(class_name)} has" if class_name else "it holds"
            msg = f"{samples.name}: {of_class} {len(members)} sample; it needs 2: one to learn from and one to test on"
            raise DataError(msg)
        count = min(max(1, round(share * len(members))), len(members) - 1)
        tested[order.permutation(members)[:count]] = True
    return _tested_on(samples, tested)


def _fold(samples: Samples, folds: int, fold: int, seed: int) -> Samples:
    """Test on one fold of the training set; a test set of the data is set aside."""
    if samples.x_test is samples.x:
        msg = f"{samples.name}: its {len(samples.labels)} samples are all for training and testing alike; omit data.folds (--folds)"
        raise DataError(msg)
    counts = np.bincount(samples.labels, minlength=len(samples.class_names))
    if counts.min() < folds:
        least = int(counts.argmin())
        of_class = f"class {quote(samples.class_names[least])} has" if samples.class_names[least] else "it has"
        msg = f"{samples.name}: {of_class} {counts[least]} samples, too few for {folds} folds; use fewer"
        raise DataError(msg)
    return _tested_on(samples, fold_numbers(samples.labels, folds, seed) == fold)


def fold_numbers(labels: Labels, folds: int, seed: int) -> Labels:
    """Assign each sample to the fold that it tests, shape (n,): folds differ by one sample at most, and so does a class between them."""
    shuffled = stream(seed, "folds").permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]  # dealt out in turn, class after class
    numbers = np.empty(len(labels), dtype=np.intp)
    numbers[by_class] = np.arange(len(labels)) % folds
    return numbers


def _tested_on(samples: Samples, chosen: NDArray[np.bool_]) -> Samples:
    """Make some samples of the training set the test set."""
    tested = {f"{name}_test": part for name, part in samples.chosen(chosen).items()}
    return replace(samples, **samples.chosen(~chosen), **tested)


def _limited(samples: Samples, settings: DataSettings, seed: int) -> Samples:
    """Keep no more samples than the limits allow."""
    if settings.overfit is not None:
        few = samples.chosen(_chosen(len(samples.labels), settings.overfit, seed, "overfit"))
        return replace(samples, **few, **{f"{name}_test": part for name, part in few.items()})
    assert samples.labels_test is not None  # noqa: S101 - both sets exist by now
    if samples.ordered:  # what is next to each other stays so
        train: Any = slice(-settings.train_limit if settings.train_limit else None, None)
        test: Any = slice(settings.test_limit)
    else:
        train = _chosen(len(samples.labels), settings.train_limit, seed, "train-limit")
        test = _chosen(len(samples.labels_test), settings.test_limit, seed, "test-limit")
    return replace(samples, **samples.chosen(train), **samples.chosen_tests(test))


def _chosen(count: int, limit: int | None, seed: int, name: str) -> Labels | slice:
    if limit is None or limit >= count:
        return slice(None)
    return np.sort(stream(seed, name).permutation(count)[:limit])


def _finished(samples: Samples, settings: DataSettings, notes: Sequence[str], known_scale: FeatureScale | None) -> Dataset:
    """Scale both sets, by a known scale if there is one, and add notes about it to those about the split."""
    x_train, x_test, feature_scale, about_scaling = (scaled if samples.rows is None else scaled_rows)(samples, settings, known_scale)
    assert samples.labels_test is not None  # noqa: S101 - both sets exist by now
    return Dataset(
        name=settings.name,
        x_train=x_train,
        labels_train=samples.labels,
        x_test=x_test,
        labels_test=samples.labels_test,
        class_names=samples.class_names,
        y_train=samples.y,
        y_test=samples.y_test,
        image=samples.image,
        shift=settings.shift,
        flip=settings.flip,
        input_dropout=settings.input_dropout,
        denoise=settings.denoise,
        feature_scale=feature_scale,
        notes=(*notes, *about_scaling),
        feature_names=samples.header,
        rows_train=samples.rows,
        rows_test=samples.rows_test,
        ordered=samples.ordered,
    )
