"""The samples of a company's chips: what identifies them, how many there are, and which worker has them, where data stay with workers."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.quoting import quote
from hwsim.company.members import Members
from hwsim.files import records
from hwsim.files.atomic import UnreadableError
from hwsim.learning.dataset import Dataset
from hwsim.runs.open_run import CHECKPOINT, OpenRun, RunError
from hwsim.settings.company_settings import CompanySettings
from hwsim.typing import Array

OWNERS = "owners.json"
"""In the folder of a run on local data: the worker of each chip, and the fingerprint of its samples."""


class Fingerprint(NamedTuple):
    """What identifies a chip's samples: those that are its own, and what all chips must have; empty where nothing is to be compared."""

    of_chip: str = ""
    common: str = ""


class Owner(NamedTuple):
    """The name of the worker that alone has a chip's samples, and what identifies these."""

    worker: str
    samples: str


class ChipSamples(NamedTuple):
    """A chip's labelled samples: their fingerprint, and how many there are by class, (K,)."""

    fingerprint: Fingerprint
    by_class: NDArray[np.intp]


def samples_of(members: Members, settings: CompanySettings) -> list[ChipSamples]:
    """Return the samples of each chip, as this machine has them."""
    each = zip(fingerprints(members, settings), members.alone, strict=True)
    return [ChipSamples(one, by_class(session.data)) for one, session in each]


def fingerprints(members: Members, settings: CompanySettings) -> list[Fingerprint]:
    """Return each chip's: what was read, before it was scaled, and which of it the chip has; of local data, the samples themselves."""
    each, common = zip(members.alone, members.shards, strict=True), members.division.common
    if not settings.local:
        return [Fingerprint(_digest(session.data.sha256.encode(), shard, common)) for session, shard in each]
    data = members.whole.learnable
    same = _digest("\0".join(data.class_names).encode(), data.x_test, data.labels_test, data.x_train[common])
    return [Fingerprint(_digest(b"", data.x_train[shard], data.labels_train[shard]), same) for _, shard in each]


def by_class(data: Dataset) -> NDArray[np.intp]:
    """Count the samples of a training set by class, (K,); real targets have none, and are one number."""
    return np.bincount(data.labels_train, minlength=max(data.classes, 1))


def read_owners(folder: Path, chips: int) -> list[Owner]:
    """Read which worker has which chip's samples in a run to resume; empty before there is a checkpoint.

    Raises
    ------
    RunError
        When the file is missing, cannot be read, or is of another number of chips.

    """
    if not (folder / CHECKPOINT).exists():
        return []
    place = folder / OWNERS
    try:
        owners = [Owner(str(one["worker"]), str(one["samples"])) for one in records.parse(records.read_text(place))]
    except (UnreadableError, TypeError, KeyError) as error:
        msg = f"{place}: it cannot be read ({quote(error, 100)}); begin another run (--out)"
        raise RunError(msg) from None
    if len(owners) != chips:
        msg = f"{place}: it has the workers of {len(owners)} chips, and the run has {chips}; begin another run (--out)"
        raise RunError(msg)
    return owners


def keep_owners(folder: OpenRun, workers: Sequence[str], samples: Sequence[ChipSamples]) -> None:
    """Write which worker has which chip's samples; of a run that is resumed, the samples must be those that it began with.

    Raises
    ------
    RunError
        When they are not, or as of `read_owners`.

    """
    each = [Owner(worker, one.fingerprint.of_chip) for worker, one in zip(workers, samples, strict=True)]
    for k, (before, now) in enumerate(zip(read_owners(folder.present, len(each)), each, strict=False)):
        if before.samples != now.samples:
            msg = (
                f"{folder.path}: chip {k} began with other samples, those of worker {quote(before.worker)}, than worker "
                f"{quote(now.worker)} has; start the same workers with the same names and files"
            )
            raise RunError(msg)
    folder.write(OWNERS, json.dumps([one._asdict() for one in each], indent=1) + "\n")


def _digest(text: bytes, *arrays: Array) -> str:
    digest = hashlib.sha256(text)
    for values in arrays:
        digest.update(f"{values.shape}".encode() + np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
