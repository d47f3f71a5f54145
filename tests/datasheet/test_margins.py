"""Limits, yield and retention: a bisection finds the last good value, chips are those of evaluate, and refresh starts from drift."""

import json

import numpy as np
import pytest

from hwsim.datasheet.chip_errors import ChipErrors
from hwsim.datasheet.chip_yield import chip_yield
from hwsim.datasheet.datasheet import Scope, datasheet
from hwsim.datasheet.datasheet_files import page_sections, refuse, write
from hwsim.datasheet.margins import Criterion, bisected
from hwsim.datasheet.trained_chips import trained_chips
from hwsim.ensemble.instances import Instance, on_chips, outcomes
from hwsim.experiment.experiment import ExperimentError
from hwsim.formatting import WRONG_ANSWERS
from hwsim.runs.loaded import load_model
from hwsim.sweep.outputs import OutputError

TWO = ("variation.stuck", "variation.dac_bits")


@pytest.fixture(scope="module")
def given():
    """Load a small circuit on devices that drift."""
    return load_model("xor", ["device.preset=pcm", "device.levels=16"])


@pytest.fixture(scope="module")
def sheet(given):
    """Measure it on two chips, hot and after a month."""
    scope = Scope(samples=4, settled=1, chips=2, spec=1.0, keys=TWO, celsius=(27.0, 85.0), after=(60.0, 2.6e6), refresh=1)
    return datasheet(given, scope, "hwsim datasheet xor")


@pytest.mark.parametrize("boundary", [-1, 0, 3, 16])
def test_a_bisection_finds_the_last_good_value(boundary):
    """Wherever it is, also before the first and at the last; and each value is looked at once."""
    seen = []
    assert bisected(16, lambda k: not seen.append(k) and k <= boundary) == boundary
    assert len(seen) <= 6


def test_errors_are_those_of_chips(given):
    """Written and tested as `hwsim evaluate --chips` does; the same settings are computed once."""
    errors = ChipErrors(given, range(2))
    stuck = {"variation.stuck": 0.2}
    session = given.session.changed("variation", stuck=0.2)
    expected = [one.error for one in on_chips(session, given.wanted, "test", None, range(2))]
    np.testing.assert_array_equal(errors(stuck), expected)
    assert errors(stuck) is errors(dict(stuck))


def test_what_is_allowed_is_counted_from_the_right_place():
    """With a specification from 0 on, else from the same chips without the imperfection; equal chips have intervals of no width."""
    errors, reference = np.array([0.06, 0.08]), np.array([0.02, 0.04])
    assert Criterion(spec=0.05, tolerated=0.01).excess(errors, reference)[0] == pytest.approx(0.02)
    excess, interval = Criterion(spec=None, tolerated=0.01).excess(errors, reference)
    assert excess == pytest.approx(0.03)
    assert interval == pytest.approx((excess, excess))


def test_limits_are_where_errors_become_too_large(sheet, given):
    """All that is tried is good at a specification of 100 %, and limits lie in their intervals."""
    assert {one.key for one in sheet.margins.margins} == set(TWO)
    for one in sheet.margins.margins:
        assert one.next_worse is None
        assert one.reach[1] <= one.reach[0] <= one.reach[2]
        assert one.spelled[0].startswith("beyond")
    with pytest.raises(ExperimentError, match=r"'training\.rate' is no imperfection"):
        datasheet(given, Scope(samples=4, settled=1, chips=1, keys=("training.rate",)), "")


def test_yield_counts_good_chips():
    """With Wilson's interval: 9 of 10 is between 60 % and 98 %."""
    counted = chip_yield(np.array([0.01] * 9 + [0.2]), 0.05, WRONG_ANSWERS)
    assert (counted.good, counted.share) == (9, 0.9)
    assert counted.interval == pytest.approx((0.596, 0.982), abs=1e-3)


def test_retention_is_that_of_an_aged_chip(sheet):
    """At each temperature and time, as evaluate measures it; the refresh is of the hottest and the oldest."""
    retained = {(one.celsius, one.after): one.error for one in sheet.retention.retained}
    assert len(retained) == 4
    aged = load_model("xor", ["device.preset=pcm", "device.levels=16", "variation.after=2.6e6", "variation.temperature=85"])
    tested = on_chips(aged.session, aged.wanted, "test", None, range(2))
    assert retained[85.0, 2.6e6] == pytest.approx(np.mean([one.error for one in tested]))
    assert (sheet.retention.refresh.celsius, sheet.retention.refresh.after) == (85.0, 2.6e6)
    assert sheet.retention.refresh.failed == 0


def test_pages_and_numbers_are_written(sheet, given, tmp_path):
    """A page with a tornado plot, and JSON; anything else is refused, and so is what would be replaced."""
    page, picture = write(tmp_path / "xor.html", sheet)
    assert 'id="tornado' in page.read_text(encoding="utf-8")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [section.title for section in page_sections(sheet)][-1] == "Retention"
    (numbers,) = write(tmp_path / "xor.json", sheet)
    assert json.loads(numbers.read_text(encoding="utf-8")) == json.loads(json.dumps(sheet.record()))
    refuse(numbers, given, force=False)
    (tmp_path / "other.json").write_text("{}")
    for name, message in (("other.json", "exists, and is not numbers"), ("sheet.pdf", r"written as \.html or \.json")):
        with pytest.raises(OutputError, match=message):
            refuse(tmp_path / name, given, force=False)


def test_each_chip_is_trained_by_itself():
    """With the noise of the experiment: as a sweep that trains on each chip."""
    experiment = load_model("xor", ["training.epochs=2", "noise.read=0.01", "variation.stuck=0.1"]).experiment
    trained = trained_chips(experiment, 2)
    expected = [one.test_error for one in outcomes(experiment, [Instance(0, 0), Instance(1, 0)])]
    assert trained.error == pytest.approx(np.mean(expected))
    assert (trained.chips, trained.failed, trained.epochs) == (2, 0, 2)
