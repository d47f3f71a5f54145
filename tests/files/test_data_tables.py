"""Tables of samples: what pandas writes next to them is no feature and no sample, and is refused with what to do."""

from pathlib import Path

import numpy as np
import pytest

from hwsim.data.loading import load_data
from hwsim.experiment.experiment import Experiment
from hwsim.files.raw import DataError, Samples
from hwsim.files.tables import read_file


def table(tmp_path: Path, *lines: str) -> Samples:
    """Read a table of these lines."""
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_file(file, "mine.csv")


ROWS = [f"{0.1 * k:g},{0.5 - k:g},{'ab'[k % 2]}" for k in range(12)]

INDICES = {
    "pandas, without a name": [",width,height,kind", *(f"{k},{row}" for k, row in enumerate(ROWS))],
    "pandas, read and written again": ["Unnamed: 0,width,height,kind", *(f"{k},{row}" for k, row in enumerate(ROWS))],
    "R, from 1, in quotes": ['"","width","height","kind"', *(f'"{k}",{row}' for k, row in enumerate(ROWS, 1))],
    "a shuffled part of a table": [",width,height,kind", *(f"{(7 * k) % 30},{row}" for k, row in enumerate(ROWS))],
    "as a column": ["index,width,height,kind", *(f"{k},{row}" for k, row in enumerate(ROWS))],
    "an id": ["ID,width,height,kind", *(f"{k},{row}" for k, row in enumerate(ROWS, 1))],
    "without a header": [f"{k},{row}" for k, row in enumerate(ROWS)],
}


@pytest.mark.parametrize("case", INDICES)
def test_numbers_of_lines_are_no_feature(tmp_path: Path, case: str) -> None:
    """Where lines are sorted by class, their numbers alone give the class."""
    with pytest.raises(DataError, match=r"mine.csv: column 1 .*numbers the lines.*index=False"):
        table(tmp_path, *INDICES[case])


@pytest.mark.parametrize(
    "lines",
    [
        ["time,width,height,kind", *(f"{k},{row}" for k, row in enumerate(ROWS))],
        ["index,width,height,kind", *(f"{(5 * k) % 7},{row}" for k, row in enumerate(ROWS))],
        [f"{k + 2},{row}" for k, row in enumerate(ROWS)],
        [f"{k},{row}" for k, row in enumerate(ROWS[:4])],
        [",width,height,kind", *(f"{k % 5},{row}" for k, row in enumerate(ROWS))],
    ],
)
def test_whole_numbers_are_features(tmp_path: Path, lines: list[str]) -> None:
    """What has a name, or does not count the lines, is taken as it is."""
    assert table(tmp_path, *lines).x.shape[1] == 3


HEADERS = {
    "columns and label counted": ["0,1,2", *ROWS],
    "numeric labels": ["0,1,2", *(row.replace("a", "0").replace("b", "1") for row in ROWS)],
    "a label that is another's": ["0,1,2,3", "5,6,7,3", "4,4,4,3", "5,6,7,1", "4,4,5,1"],
    "the label alone has a name": ["0,1,kind", *ROWS],
    "above an index": [",0,1,kind", *(f"{k},{row}" for k, row in enumerate(ROWS))],
    "years": ["2019,2020,kind", *(row.replace("a", "0").replace("b", "1") for row in ROWS)],
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_of_numbers_is_no_sample(tmp_path: Path, case: str) -> None:
    """A first line that counts the columns would be learnt as a sample."""
    with pytest.raises(DataError, match=r"mine.csv: line 1 .*looks like a header of numbers.*header=False"):
        table(tmp_path, *HEADERS[case])


@pytest.mark.parametrize(
    "lines", [["0,1,2", "3,4,2", "3,4,1", "3,4,1"], ["0,1,1", "1,0,1", "0,0,0", "1,1,0"], ["w,h,z,kind", "0,1,2,3", "1,1,1,2"]]
)
def test_a_sample_that_counts_is_a_sample(tmp_path: Path, lines: list[str]) -> None:
    """Few numbers count by chance, and a header settles what the first sample is."""
    assert len(table(tmp_path, *lines).x) == 4 - 2 * (len(lines) == 3)


def test_columns_are_called_as_in_the_header(tmp_path: Path) -> None:
    """A message about a feature names its column; without a header, and in arrays, its number."""
    assert table(tmp_path, "width,,kind", *ROWS).feature(0) == "column 1 (width)"
    assert table(tmp_path, "width,,kind", *ROWS).feature(1) == "column 2"
    assert table(tmp_path, *ROWS).feature(1) == "column 2"
    np.savez(tmp_path / "mine.npz", x=np.eye(4), y=[0, 1, 0, 1])
    assert read_file(tmp_path / "mine.npz", "mine.npz").feature(3) == "x[:, 3]"


LONG = "long " * 1000
ECHOES = {
    "cell": ["1,2,a", f"1,{LONG},b"],
    "column": [f"{LONG},w,kind", "1,2,a", "x,2,b"],
    "label": [f"1,2,{LONG}", "2,2,a"],
    "only label": [f"1,2,{LONG[:190]}", f"2,2,{LONG[:190]}"],
    "lone label": [f"1,2,{LONG[:190]}", "2,2,a"],
    "header of numbers": [",".join(map(str, range(2000))), *(",".join(["1"] * 1999) + f",{c}" for c in "abab")],
}


@pytest.mark.parametrize("case", ECHOES)
def test_no_message_repeats_a_file_at_length(tmp_path: Path, case: str) -> None:
    """However long cells, names and labels are, a line stays a line."""
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(ECHOES[case]) + "\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_data(Experiment(circuit={"inputs": 2, "outputs": 2}, data={"name": str(file), "test_share": 0.2}))
    assert len(str(caught.value)) < len(str(file)) + 300
    assert "\n" not in str(caught.value)
