"""Data of a user's deck: volts as they are, target voltages, few rows, and other data matched by names."""

import shlex
from pathlib import Path

import numpy as np
import pytest

DECK = """* an adder
V1 p 0 2.5
V2 q 0 1
R1 p o 10k
R2 q o 20k
R3 o 0 40k
*hwsim: input V1 V2
*hwsim: output o
*hwsim: trainable R1 R2
.end
"""
ROWS = np.random.default_rng(0).uniform(-5, 5, (8, 2)).round(3)


def table(path: str, header: str, rows: np.ndarray) -> None:
    """Write a table."""
    Path(path).write_text("\n".join([header, *(",".join(map(str, row)) for row in rows.tolist())]) + "\n")


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    """Put the deck and voltages that another one like it has into the folder."""
    (tmp_path / "adder.cir").write_text(DECK)
    table(str(tmp_path / "volts.csv"), "a,b,y", np.column_stack([ROWS, ROWS @ [0.3, 0.4]]))


def test_volts_reach_the_sources_as_they_are(hwsim):
    """Neither scaled nor cut off, unless asked."""
    solved = hwsim("solve", "adder.cir", "--data", "volts.csv", "--part", "train", "--sample", "0:8", "--json").json
    np.testing.assert_array_equal(np.array(solved["voltages"]["p"])[:, 0], ROWS[:, 0])
    asked = hwsim(*shlex.split("solve adder.cir --data volts.csv --set data.clip=3 --part train --sample 0:8 --json")).json
    np.testing.assert_array_equal(np.array(asked["voltages"]["p"])[:, 0], ROWS[:, 0].clip(-3, 3))


def test_target_voltages_train(hwsim):
    """Real numbers in the last column are volts of the output; eight rows are all for training, and for testing."""
    before = hwsim("evaluate", "adder.cir", "--data", "volts.csv", "--json").json["test_error"]
    answer = hwsim(*shlex.split("train adder.cir --data volts.csv --epochs 10 --out run --json"))
    assert answer.json["test_error"] < 0.9 * before
    assert "the outputs' targets are real numbers in volts: column 3" in answer.err
    assert "has 8, fewer than 10, so all its 8 samples are for training and testing alike" in answer.err
    assert answer.err.count("warning: all parts are linear") == 1


def test_columns_that_are_named_after_outputs_are_their_targets(hwsim):
    """Wherever they stand, and whole numbers too."""
    table("named.csv", "V(o),a,b", np.column_stack([[0, 1, 2, 1], ROWS[:4]]))
    solved = hwsim("solve", "adder.cir", "--data", "named.csv", "--part", "train", "--sample", "0:4", "--json").json
    assert np.ravel(solved["targets"]).tolist() == [0, 1, 2, 1]
    np.testing.assert_array_equal(np.array(solved["voltages"]["q"])[:, 0], ROWS[:4, 1])


def test_columns_named_after_other_inputs_or_some_outputs_are_refused(hwsim):
    """Features go to the sources by their places, so the name of another source would be a wrong sample; sources' own names pass."""
    table("order.csv", "v2,V1,y", np.column_stack([ROWS, ROWS @ [0.3, 0.4]]))
    refused = hwsim("evaluate", "adder.cir", "--data", "order.csv")
    assert refused.code == 2
    assert "order.csv: feature 0 is called v2, and v2 is the source of feature 1; order the columns as the inputs" in refused.err
    table("same.csv", "v1,V2,y", np.column_stack([ROWS, ROWS @ [0.3, 0.4]]))
    assert hwsim("evaluate", "adder.cir", "--data", "same.csv").code == 0
    table("some.csv", "a,o,y", np.column_stack([ROWS, ROWS @ [0.3, 0.4]]))
    refused = hwsim(*shlex.split("evaluate adder.cir --data some.csv --inputs V1 --outputs p,o"))
    assert refused.code == 2
    assert "some.csv: of the outputs p, o, columns name o alone; name a column after each output, or after none" in refused.err


def test_other_data_are_matched_by_names(hwsim):
    """Columns in another order are the same data; another name is refused; one sample and constant targets can be tested."""
    assert hwsim(*shlex.split("train adder.cir --data volts.csv --epochs 1 --out run")).code == 0
    y = ROWS @ [0.3, 0.4]
    table("swapped.csv", "b,a,y", np.column_stack([ROWS[:, ::-1], y]))
    as_trained, other = (hwsim("evaluate", "run", "--data", name, "--json").json for name in ("volts.csv", "swapped.csv"))
    assert other["test_error"] == as_trained["test_error"]
    table("strange.csv", "c,a,y", np.column_stack([ROWS, y]))
    refused = hwsim("evaluate", "run", "--data", "strange.csv")
    assert refused.code == 2
    assert "it has no column b and a column c, and the run run learned from a, b; name the columns as there" in refused.err
    table("one.csv", "a,b,y", np.array([[*ROWS[0], y[0]]]))
    table("same.csv", "a,b,y", np.column_stack([ROWS, 0 * y + 0.5]))
    for name, count in (("one.csv", 1), ("same.csv", 8)):
        assert hwsim("evaluate", "run", "--data", name, "--json").json["samples"] == count
    assert "nothing to learn" in hwsim(*shlex.split("train adder.cir --data same.csv --out again")).err


def test_classes_are_matched_by_names(hwsim):
    """A file with some of the classes is tested by the numbers of all; a label that was not learned is refused."""
    table("two.csv", "a,b,y", np.array([[-1, 0, "low"], [2, 1, "up"], [3, 1, "up"]]))
    assert hwsim(*shlex.split("train adder.cir --data two.csv --epochs 1 --out run")).code == 0
    table("ups.csv", "a,b,y", np.array([[2, 1, "up"], [3, 1, "up"]]))
    confusion = hwsim("evaluate", "run", "--data", "ups.csv", "--json").json["confusion"]
    assert (sum(confusion[0]), sum(confusion[1])) == (0, 2)
    table("odd.csv", "a,b,y", np.array([[2, 1, "left"], [3, 1, "up"]]))
    assert "its label left is no class of the run run, which learned low, up" in hwsim("evaluate", "run", "--data", "odd.csv").err
