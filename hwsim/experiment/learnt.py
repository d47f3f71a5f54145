"""Learnt samples: what may change when a trained circuit is tested, so that it is never tested on what it has learnt."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from circuits.quoting import REASON, quote, quote_path, quoted
from hwsim.experiment.experiment import RUN_FILE, Experiment, ExperimentError
from hwsim.experiment.known_data import ENVIRONMENT, KnownData, recorded
from hwsim.experiment.loading import load
from hwsim.files import records, stored_conductances
from hwsim.files.atomic import UnreadableError
from hwsim.files.raw import UNCLASSED
from hwsim.learning.dataset import Dataset
from hwsim.learning.feature_scale import FeatureScale
from hwsim.learning.target_scale import TargetScale
from hwsim.settings.data_names import BUILT_IN
from hwsim.settings.sections import USUAL_TEST_SHARE, DataSettings, Section

Scale = TypeVar("Scale")

FILE = "learnt.json"
"""What the conductances that a run started from had learnt, in its folder."""

DATA_SHA256 = "data_sha256"
"""Key in it: the fingerprint of the samples; earlier versions wrote none."""


def record(data: Dataset) -> dict[str, Any]:
    """Describe data as a run's record keeps them: fingerprint, names of features and classes, scales of features and real targets."""
    classes = () if data.scale is not None or data.class_names == UNCLASSED else data.class_names
    names = KnownData(data.feature_names, classes).record()
    scales = (data.feature_scale.record() if data.feature_scale else {}) | (data.scale.record() if data.scale else {})
    return {DATA_SHA256: data.sha256} | names | scales


_FREE = {"name", "scaling", "clip", "shift", "flip", "input_dropout", "denoise", "test_limit", "error"}
"""Keys of the data that move no sample from one part to the other; every other key is taken to do so."""


class DataDivision(Section):
    """One division of data into what was learnt and what was tested: the data section, and the seed that divides by it.

    `sha256` is the fingerprint of the samples; empty in files of earlier versions.
    """

    data: DataSettings
    seed: int
    sha256: str = ""

    @classmethod
    def of(cls, experiment: Experiment, sha256: str = "") -> Self:
        """Return the division by which an experiment trains."""
        return cls(data=experiment.data, seed=experiment.training.seed, sha256=sha256)


_LISTED = TypeAdapter(list[DataDivision])


def listed(start: str) -> bytes:
    """Return the content of a run's file of all that the conductances which it starts from have learnt."""
    return _LISTED.dump_json(_learnt(Path(start)), indent=2) + b"\n"


def refuse_learnt(what: str, trained: Experiment | DataDivision, asked: Experiment, sha256: str = "", *, few: bool = False) -> None:
    """Refuse to test a run with another division of its data into what is learnt and what is tested.

    Data of another name with other samples were not learnt at all, however they are divided. Built-in data are divided by their classes,
    also where the task is to reconstruct them. A division is by the samples' order, so that it is another one in a file that has changed.
    `sha256` is the fingerprint of the samples of `asked`, where they were read; without `data.test_share` the usual share is held out,
    unless these are `few`.

    Raises
    ------
    ExperimentError
        Naming the key.

    """
    before = trained if isinstance(trained, DataDivision) else DataDivision.of(trained)
    comparable = bool(sha256 and before.sha256)
    if not _same(before.data.name, asked.data.name) and not (comparable and before.sha256 == sha256):
        return
    if comparable and before.sha256 != sha256:
        name = quote_path(asked.data.name)
        msg = f"{quote_path(what)}: {name} has changed since it was trained, so samples that it has learnt may be tested; restore {name}"
        raise ExperimentError(f"{msg}, or name other data")
    pairs = [("training.seed", before.seed, asked.training.seed)]
    divided_alike = {"task"} if asked.data.name in BUILT_IN and before.data.name == asked.data.name else set[str]()
    keys = [key for key in type(asked.data).model_fields if key not in _FREE | divided_alike]
    pairs += [(f"data.{key}", getattr(before.data, key), getattr(asked.data, key)) for key in keys]
    for key, was, now in pairs:
        if was != now and not (key == "data.test_share" and {was, now} == {None, USUAL_TEST_SHARE} and not few):
            values = f"{quoted(now)}, and it was trained with {quoted(was)}".replace("None", "nothing")
            msg = f"{quote_path(what)}: {key} is {values}, so samples that it has learnt may be tested; keep {key}, or name other data"
            raise ExperimentError(msg)


def refuse_learnt_by(place: str | Path, asked: Experiment, sha256: str = "", *, few: bool = False) -> None:
    """Refuse to test a run, or a start from a run's conductances, with another division of any data that they have learnt.

    Parameters
    ----------
    place
        A run's folder, or a file of conductances; of a file that is no run's, nothing is known.
    asked
        What is to be tested.
    sha256, few
        Fingerprint of its samples, where they were read, and whether these are too few to hold some out unless that is asked for.

    Raises
    ------
    ExperimentError
        Naming the key, or the file that cannot be read.

    """
    for each in _learnt(Path(place)):
        refuse_learnt(str(place), each, asked, sha256, few=few)


def refuse_learnt_start(experiment: Experiment) -> None:
    """Refuse to start from what a run learned when another division of the same data is trained on and tested.

    Raises
    ------
    ExperimentError
        Naming the key.

    """
    if experiment.training.start is not None:
        refuse_learnt_by(experiment.training.start, experiment)


def _learnt(place: Path) -> list[DataDivision]:
    """List the divisions that conductances have learnt: those of a run, after those of what it started from."""
    begun = place.name == stored_conductances.STARTED
    folder = place.parent if begun else stored_conductances.run_of(str(place))
    if folder is None or not (folder / RUN_FILE).is_file():
        return []
    run = load(str(folder))
    division = DataDivision.of(run, _sha256(folder / ENVIRONMENT))
    before = _read(folder / FILE) if run.training.start is not None else []
    if before is None:  # a folder of an earlier version; what it started from may have learnt as it did
        return [division]
    return before if begun and not run.pretraining else [*before, division]  # what stages leave has learnt from the same samples


def _sha256(file: Path) -> str:
    """Read the fingerprint of a run's samples; empty for a run of an earlier version."""
    if not file.exists():
        return ""
    try:
        return str(records.environment(records.read_text(file)).get(DATA_SHA256) or "")
    except UnreadableError as error:
        msg = f"{quote_path(file)}: {error}; restore it, or delete it: then nobody knows whether the run's data have changed"
        raise ExperimentError(msg) from None


def scale_of(place: str | Path) -> TargetScale | None:
    """Return the scale by which a run's outputs stand for real targets; None of what is no run, or one of classes.

    Raises
    ------
    ExperimentError
        When the run's record of it cannot be read.

    """
    return _scale(place, TargetScale.recorded)


def feature_scale_of(place: str | Path, scaling: str) -> FeatureScale | None:
    """Return the scale of the features that a run was trained with.

    None of what is no run, of a run with another kind of `scaling`, and of one of an earlier version, which recorded no scale.

    Raises
    ------
    ExperimentError
        When the run's record of it cannot be read.

    """
    folder = stored_conductances.run_of(str(place))
    if scaling == "none" or folder is None or load(str(folder)).data.scaling != scaling:
        return None
    return _scale(place, FeatureScale.recorded)


def _scale(place: str | Path, read: Callable[[dict[str, Any]], Scale]) -> Scale:
    record = recorded(place)
    try:
        return read(record)
    except ValueError as error:
        file = quote_path((stored_conductances.run_of(str(place)) or Path(place)) / ENVIRONMENT)
        msg = f"{file}: {quote(error, REASON)}; restore it, or train again into another folder (--out)"
        raise ExperimentError(msg) from None


def _read(file: Path) -> list[DataDivision] | None:
    if not file.exists():
        return None
    try:
        return _LISTED.validate_json(records.read_text(file))
    except (ValidationError, UnreadableError) as error:
        reason = quote(error.errors()[0]["msg"] if isinstance(error, ValidationError) else error, REASON)
        msg = f"{quote_path(file)}: cannot be read ({reason}); repeat the run with hwsim train RUN --from START --out FOLDER"
        raise ExperimentError(msg) from None


def _same(first: str, second: str) -> bool:
    """Whether two names of data mean the same."""
    return first == second or Path(first).resolve() == Path(second).resolve()
