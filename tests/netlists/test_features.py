"""A deck says each feature once: all its sources follow, in ngspice as in hwsim, and a source that does not is reported."""

import re

import numpy as np
import pytest

from circuits.builder import Builder
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Crossbar, InputSources, Nudges
from circuits.nodes import GROUND
from decks import operating_point
from hwsim.data import load_data
from hwsim.engine import Drive
from hwsim.experiment import load
from hwsim.ngspice.engine import NgspiceEngine
from hwsim.numeric.engine import NumericEngine
from netlists.findings import NetlistError
from netlists.parser import parse
from netlists.writer import write_deck

G = {"w": np.array([[1e-5], [2e-5], [3e-5], [5e-5]])}
SCALE, OFFSET = [4.0, -4.0, 0.3, -1.7], [0.0, 0.0, 0.25, -1e-3]


def circuit() -> Circuit:
    """Build two features with two sources each, no two of one scale, into one node."""
    builder = Builder()
    x, out = builder.group("feature", 4), builder.group("out")  # a group that takes the usual name of the parameters
    builder.add(InputSources(name="v_x", plus=x, feature=[0, 0, 1, 1], scale=SCALE, offset=OFFSET))
    builder.add(Crossbar(name="w", rows=x, columns=out), Nudges(name="nudge", plus=out, minus=GROUND))
    return builder.circuit("two features")


def deck(x: list[float]) -> str:
    """Write a sample of the nominal chip."""
    return write_deck(circuit(), Chip.nominal(circuit()), G, x=np.array(x))


def rows(x: list[float]) -> np.ndarray:
    """Return what the sources give [V]."""
    return np.array(x)[[0, 0, 1, 1]] * SCALE + OFFSET


@pytest.mark.parametrize("x", [[0.1, -0.7], [1 / 3, 2.5e-17], [-123.456, 1e-300], [0.0, -1.0]])
def test_ngspice_gives_the_volts_that_plain_numbers_gave(x, tmp_path):
    """Scale × feature + offset comes out the same to 1e-12 V, whatever the signs."""
    v = operating_point(deck(x), tmp_path).v
    np.testing.assert_allclose([v[f"feature_{k}"] for k in range(4)], rows(x), rtol=1e-14, atol=1e-15)


def test_the_whole_sample_changes_with_the_one_line_that_says_a_feature(tmp_path):
    """Both rows follow a parameter that a person changes, in ngspice and in both engines."""
    text = re.sub(r"(?m)^(\.param feature__1)=.*$", r"\1=-0.55", deck([0.1, 0.7]))
    read = parse(text)
    np.testing.assert_array_equal(read.x, [0.1, -0.55])
    assert not read.warnings
    wanted = rows([0.1, -0.55]) @ G["w"] / G["w"].sum()
    assert operating_point(text, tmp_path).v["out"] == pytest.approx(wanted[0], abs=1e-12)
    for engine in (NumericEngine(), NgspiceEngine(workers=1)):
        with engine.prepare(read.circuit, Chip.nominal(read.circuit)) as solver:
            assert solver.solve(G, Drive(read.x[None])).outputs(read.circuit)[0, 0] == pytest.approx(wanted[0], abs=1e-12)


def plain(x: list[float]) -> str:
    """Write the sample as decks did that gave every source its own number."""
    numbers = iter(rows(x).tolist())
    text = re.sub(r"(?m)^(V_v_x_\d \S+ 0) \{.*\}$", lambda found: f"{found[1]} {next(numbers)!r}", deck(x))
    return re.sub(r"(?m)^\.param .*\n", "", text)


def test_decks_of_plain_numbers_still_read():
    """Their features are what the first source of each shows."""
    read = parse(plain([0.1, 0.7]))
    np.testing.assert_allclose(read.x, [0.1, 0.7], rtol=1e-15)
    assert not read.warnings
    assert parse(deck([0.1, 0.7])).circuit == read.circuit


@pytest.mark.parametrize("write", [deck, plain])
@pytest.mark.parametrize(("card", "feature"), [(0, 0), (1, 0), (2, 1), (3, 1)])
def test_a_source_that_its_feature_does_not_make_is_named(write, card, feature):
    """Whichever of the rows a person changes, at its line, with the other source of the feature."""
    text = re.sub(rf"(?m)^(V_v_x_{card} \S+ 0) .*$", r"\1 0.625", write([0.1, 0.7]))
    (warning,) = parse(text).warnings
    assert parse(text).contradictions == (warning,)
    assert text.split("\n")[warning.line - 1].lower().startswith(warning.text.split()[0])
    assert f"feature {feature} is" in warning.text
    assert f"v_x_{card}" in warning.text
    assert f"v_x_{card ^ 1}" in warning.text


def test_rounding_is_no_contradiction():
    """A number cut to ten digits is the same circuit; one cut to six is not."""
    for digits, wrong in ((10, False), (6, True)):
        text = re.sub(r"(?m)^(V_v_x_2 \S+ 0) .*$", rf"\1 {rows([0.1, 1 / 3])[2] + 10.0**-digits * 0.3}", plain([0.1, 1 / 3]))
        assert bool(parse(text).contradictions) == wrong


def test_a_source_without_scale_shows_its_offset_alone():
    """Nothing of its feature reaches it, so that any other number contradicts."""
    text = deck([0.1, 0.7]).replace("scale=4.0,", "scale=0.0,")
    (warning,) = parse(text).warnings
    assert warning.text.startswith("v_v_x_0 gives 0.4 V")
    assert not parse(re.sub(r"(?m)^(V_v_x_0 \S+ 0) .*$", r"\1 0", text)).warnings


def test_the_sample_of_a_deck_whose_sources_contradict_is_not_solved(tmp_path):
    """Ngspice would solve another; with other data it is a warning."""
    path = tmp_path / "changed.cir"
    path.write_text(re.sub(r"(?m)^(V_v_x_1 \S+ 0) .*$", r"\1 3", deck([0.1, 0.7])), encoding="utf-8")
    with pytest.raises(NetlistError, match=r"changed.cir:\d+: v_v_x_1 gives 3 V, but feature 0 is 0.1 by v_v_x_0, which makes -0.4 V"):
        load_data(load(path))
    assert load_data(load(path, ["data.name=xor"])).features == 2
