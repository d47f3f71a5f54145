"""`hwsim train` of chips in company: a folder for each chip, resumed, and refused where it makes no sense."""

import json

import pytest

COMPANY = ["--set", "company.chips=2", "--set", "company.exchange=outputs", "--set", "company.common=30"]
QUICK = ["--epochs", "2", "--set", "training.schedule=constant"]


def test_each_chip_is_a_run(hwsim, tmp_path):
    """Each chip's folder is a run that other commands take; that of the company names them; more epochs continue it."""
    folder = tmp_path / "both"
    answer = hwsim("train", "iris", *QUICK, *COMPANY, "--out", str(folder), "--json")
    assert answer.code == 0, answer.err
    assert answer.json["sent_bytes"] == 2 * 2 * 30 * 3 * 4
    for k in range(2):
        tested = hwsim("evaluate", str(folder / f"chip-{k}"), "--json")
        assert tested.json["test_error"] == pytest.approx(answer.json[f"test_error/{k}"])
    whole = hwsim("evaluate", str(folder))
    assert (whole.code, whole.err.count("\n")) == (2, 1)
    assert "company of chips" in whole.err
    assert (folder / "company.png").read_bytes().startswith(b"\x89PNG")
    assert sum(map(sum, json.loads((folder / "shards.json").read_text())["samples"])) == 90
    again = hwsim("train", str(folder), "--resume", "--epochs", "3", "--json")
    assert again.code == 0, again.err
    assert [json.loads(line)["epoch"] for line in (folder / "metrics.jsonl").read_text().splitlines()] == [1, 2, 3]
    other = hwsim("train", str(folder), "--resume", "--epochs", "4", "--set", "company.chips=3")
    assert (other.code, other.err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["iris", "--set", "company.chips=2", "--engine", "ngspice"], "numeric engine"),
        (["iris", "--set", "company.chips=1"], "company.chips"),
        (["iris", "--set", "company.chips=200"], "too few"),
        (["iris", "--set", "company.chips=2", "--set", "company.exchange=outputs"], "common"),
        (["iris", *COMPANY, "--epochs", "1"], "would exchange nothing before epoch 2, and training.epochs = 1"),
        (["iris", "--set", "company.chips=2", "--set", "company.skew=0.1"], "skew = 0.1 does nothing with shards = 'disjoint'"),
        (["iris", "--set", "company.chips=2", "--set", "company.listen=ring"], "omit it, or set exchange to 'outputs'"),
        (["iris", "--set", "company.chips=2", "--profile"], "--profile is about one circuit"),
        (["ff-digits", "--set", "company.chips=2"], "omit company"),
        (["iris", "--set", "company.chips=2", "--set", "data.folds=5"], "omit one of them"),
    ],
)
def test_bad_input_is_one_line(hwsim, tmp_path, monkeypatch, arguments, words):
    """What no company can do is refused in a line, and leaves no folder."""
    monkeypatch.chdir(tmp_path)
    answer = hwsim("train", *arguments)
    assert answer.code == 2
    assert words in answer.err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_other_commands_refuse_a_company(hwsim):
    """A sweep trains one circuit a point, and refuses chips in company."""
    answer = hwsim("sweep", "iris", "--set", "company.chips=2", "--vary", "training.batch=4,8")
    assert answer.code == 2
    assert "company" in answer.err
