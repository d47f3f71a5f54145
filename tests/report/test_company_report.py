"""Reports of companies: what is on the page is what the folder has."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cli.main import main
from hwsim.company.company_files import churn_in, churn_text, shards_in, shards_text
from hwsim.files.atomic import UnreadableError
from hwsim.report.company_section import company_section, of_company
from hwsim.runs.loaded import load_model
from support.report_pages import assert_complete

WORDS = ["--set", "company.chips=3", "--set", "company.exchange=outputs", "--set", "company.common=30", "--set", "company.eliminate=1"]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train three chips for a moment; one of them begins again."""
    folder = tmp_path_factory.mktemp("companies") / "three"
    assert main(["train", "iris", "--epochs", "2", *WORDS, "--out", str(folder)]) == 0
    return folder


def test_the_page_shows_what_the_folder_has(company: Path, tmp_path: Path) -> None:
    """Errors of all chips, who began again, the bytes, and the command that repeats it; with a run of one chip on the same page."""
    out = tmp_path / "page.html"
    assert main(["report", str(company), str(company / "chip-1"), "-o", str(out)]) == 0
    html = out.read_text(encoding="utf-8")
    assert_complete(html)
    summary = json.loads((company / "summary.json").read_text())
    for text in ("3 chips in company", f"{100 * summary['together_error']:.2f}", "after epoch 1", "company.eliminate=1"):
        assert text in html
    assert html.count("<svg") > 4
    record = of_company(str(company))
    assert record is not None
    section = company_section(record, "company-1")
    assert [picture.title for picture in section.pictures()] == ["Error of each chip", "Churn", "Churn between chips", "Bytes sent"]
    assert [row[0] for row in section.tables[0].rows] == ["0", "1", "2"]


def test_churn_between_chips_is_that_of_their_runs(company: Path) -> None:
    """Evaluated again, each two chips differ as often as the file has it, and all pairs in the mean as the summary."""
    answers = []
    for k in range(3):
        model = load_model(str(company / f"chip-{k}"))
        with model.session.solver() as solver:
            answers.append(model.session.evaluate(solver, model.g, model.session.data.x_test, model.session.task.test).answers)
    churn = churn_in((company / "churn.json").read_text(), 3)
    assert churn == pytest.approx(np.array([[np.mean(a != b) for b in answers] for a in answers]), abs=1e-6)
    assert churn[~np.eye(3, dtype=bool)].mean() == pytest.approx(json.loads((company / "summary.json").read_text())["churn"], abs=1e-6)


def test_a_company_that_has_not_ended_is_shown(company: Path, tmp_path: Path) -> None:
    """With its curves so far, and how to resume it; without an epoch, without curves."""
    partial = tmp_path / "partial"
    shutil.copytree(company, partial)
    for name in ("summary.json", "churn.json", "shards.json"):
        (partial / name).unlink()
    record = of_company(str(partial))
    assert record is not None
    section = company_section(record, "company-1")
    assert "has not ended" in section.notes[0]
    assert "Churn between chips" not in [picture.title for picture in section.pictures()]
    (partial / "metrics.jsonl").unlink()
    record = of_company(str(partial))
    assert record is not None
    assert not list(company_section(record, "company-1").pictures())


def test_damaged_files_are_one_line(company: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables of other chips, or of no numbers, are refused with the file's name."""
    for name, text in (("churn.json", '{"churn": [[0, 2], [2, 0]]}'), ("shards.json", '{"samples": [[-1]], "class_names": []}')):
        broken = tmp_path / name.removesuffix(".json")
        shutil.copytree(company, broken)
        (broken / name).write_text(text)
        capsys.readouterr()
        assert main(["report", str(broken), "-o", str(tmp_path / "page.html")]) == 2
        message = capsys.readouterr().err
        assert name in message.splitlines()[-1]
        assert not (tmp_path / "page.html").exists()


def test_files_are_read_as_they_were_written() -> None:
    """Counts and shares come back; of another number of chips they are refused."""
    answers = [np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])]
    assert churn_in(churn_text(answers), 2).tolist() == [[0, 0.25], [0.25, 0]]
    assert shards_in(shards_text(("a", "b"), [[1, 2], [3, 0]]), 2) == ([[1, 2], [3, 0]], ["a", "b"])
    with pytest.raises(UnreadableError, match="3 chips"):
        shards_in(shards_text((), [[1], [2]]), 3)


def test_chips_with_reservoirs_are_shown(tmp_path: Path) -> None:
    """A federation's folder has one row, and lists in its summary."""
    folder = tmp_path / "reservoirs"
    words = ["--set", "company.chips=2", "--set", "company.exchange=sums", "--set", "data.length=1200"]
    assert main(["train", "narma10", *words, "--out", str(folder)]) == 0
    record = of_company(str(folder))
    assert record is not None
    section = company_section(record, "company-1")
    assert "sums of their reservoirs" in section.about
    assert "Error of each chip" in [picture.title for picture in section.pictures()]
    assert main(["sweep", "narma10", *words, "--vary", "data.seed=1,2", "--out", str(tmp_path / "sweep.db")]) == 2
