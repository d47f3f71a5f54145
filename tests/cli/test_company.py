"""`hwsim train` of chips in company: a folder for each chip, resumed, and refused where it makes no sense."""

import json

import pytest

LOCAL = ["--set", "company.chips=2", "--set", "company.data=local"]
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
    weights = (folder / "chip-0" / "weights.npz").read_bytes()
    for more in ([], ["--epochs", "3"]):
        alone = hwsim("train", str(folder / "chip-0"), "--resume", *more)
        assert (alone.code, alone.err.count("\n")) == (2, 1), "it has no checkpoint, and would learn all samples alone"
        assert "resume the company" in alone.err
    assert (folder / "chip-0" / "weights.npz").read_bytes() == weights
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
        (["iris", "--set", "company.chips=1"], "is no company"),
        (["iris", "--set", "company.chips=200"], "too few"),
        (["iris", "--set", "company.chips=2", "--set", "company.exchange=outputs"], "common"),
        (["iris", *COMPANY, "--set", "company.eliminate=1"], "neither agrees less"),
        (["iris", *COMPANY, "--set", "company.chips=3", "--set", "company.eliminate=9", "--epochs", "12"], "needs 18 epochs"),
        (["iris", "--set", "company.chips=2", "--set", "company.weight=2"], "omit it, or set exchange to 'outputs' or 'teacher'"),
        (["iris", *COMPANY, "--set", "company.weight=1e300"], "company.weight"),
        (["iris", "--set", "company.chips=2", "--set", "company.staleness=1"], "omit it, or set exchange to 'outputs'"),
        (["iris", "--set", "company.chips=2", "--set", "company.exchange=teacher"], "set teacher to its run folder"),
        (["iris", *COMPANY, "--set", "company.exchange=teacher", "--set", "company.teacher=nowhere"], "nowhere"),
        (["iris", *COMPANY, "--epochs", "1"], "would exchange nothing before epoch 2, and training.epochs = 1"),
        (["iris", "--set", "company.chips=2", "--set", "company.skew=0.1"], "skew = 0.1 does nothing with shards = 'disjoint'"),
        (["iris", "--set", "company.chips=2", "--set", "company.listen=ring"], "omit it, or set exchange to 'outputs'"),
        (["iris", "--set", "company.chips=2", "--profile"], "--profile is about one circuit"),
        (["ff-digits", "--set", "company.chips=2"], "omit company"),
        (["diabetes", "--set", "company.chips=2", "--set", "company.shards=by-class"], "divides by class, and a regression has none"),
        (["iris", "--set", "company.chips=2", "--set", f"variation.chip={2**63 - 1}"], f"lower it to {2**63 - 2} at most"),
        (["iris", "--set", "company.chips=2", "--set", f"training.seed={2**63 - 1}"], f"lower it to {2**63 - 2} at most"),
        (["iris", "--set", "company.chips=2", "--set", "data.folds=5"], "omit one of them"),
        (["iris", *LOCAL], "each file would have a scale of its own"),
        (["digits", "--set", "data.scaling=none", *LOCAL, "--workers", "2"], "with hwsim train --scheduler"),
        (["iris", *LOCAL, "--set", "company.shards=same"], "set data to 'shared'"),
        (["mnist-100", *LOCAL, "--set", "data.validation=0.1"], "data.validation would test each chip on samples of its own file"),
    ],
)
def test_bad_input_is_one_line(hwsim, tmp_path, monkeypatch, arguments, words):
    """What no company can do is refused in a line, and leaves no folder."""
    monkeypatch.chdir(tmp_path)
    answer = hwsim("train", *arguments)
    assert answer.code == 2
    assert words in answer.err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_sweep_of_exchanges_is_its_companies(hwsim, tmp_path):
    """Each point and seed is the company that a run trains, and has its figures; the table, the export and the file have them."""
    fixed = [*QUICK, "--set", "company.chips=2", "--set", "company.common=30", "--set", "training.precision=float64"]
    database, table = tmp_path / "sweep.db", tmp_path / "all.csv"
    sweep = hwsim("sweep", "iris", *fixed, "--vary", "company.exchange=none,outputs", "--jobs", "1", "--out", str(database), "--json")
    assert sweep.code == 0, sweep.err
    for point in sweep.json["points"]:
        exchange = f"company.exchange={point['settings']['company.exchange']}"
        run = hwsim("train", "iris", *fixed, "--set", exchange, "--out", str(tmp_path / exchange), "--json")
        assert point["mean"] == pytest.approx(run.json["test_error"], abs=1e-12)
        for name in ("together_error", "churn", "sent_bytes"):
            assert point["company"][name] == pytest.approx(run.json[name], abs=1e-12)
    again = hwsim("sweep", str(database), "--export", str(table))
    assert again.code == 0, again.err
    assert {"churn", "sent", "outputs"} <= set(again.out.split())
    assert "a company counts once" in again.unwrapped
    head, *lines = table.read_text().splitlines()
    assert head.endswith("failed,together_error,churn,sent_bytes")
    assert [line.split(",")[1] for line in lines] == ["none", "outputs"]
    assert hwsim("sweep", str(database), "--export", str(table)).code == 0  # its own table may be replaced
    page = tmp_path / "page.html"
    assert hwsim("report", str(database), "-o", str(page)).code == 0
    assert "mean of outputs" in page.read_text()
    assert "hwsim sweep iris --set" in page.read_text()
    assert "--set company.chips=2" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--vary", "company.exchange=none,outputs", "--set", "company.common=30", "--chips", "2"], "company.chips is how many"),
        (["--vary", "company.shards=disjoint,same", "--mode", "transfer"], "learn together"),
        (["--vary", "company.common=30,119", "--jobs", "1"], "too few"),
        (["--vary", "company.teacher=nowhere,iris", "--set", "company.exchange=teacher", "--set", "company.common=30"], "nowhere"),
    ],
)
def test_bad_sweeps_are_one_line(hwsim, tmp_path, monkeypatch, arguments, words):
    """What no company can do is refused before anything is computed."""
    monkeypatch.chdir(tmp_path)
    answer = hwsim("sweep", "iris", "--set", "company.chips=2", *arguments)
    assert answer.code == 2
    assert words in answer.err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["sweep", "tune"])
def test_neither_sweeps_nor_tuning_reach_samples_on_workers(hwsim, tmp_path, monkeypatch, command):
    """They compute in one process, and refuse before there is a database."""
    monkeypatch.chdir(tmp_path)
    answer = hwsim(command, "iris", "--set", "data.scaling=none", *LOCAL, "--vary", "training.batch=4,8")
    assert answer.code == 2
    assert "with hwsim train --scheduler" in answer.err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_tuning_tries_companies(hwsim, tmp_path):
    """A trial's error is the mean of the chips' on the validation set."""
    out = tmp_path / "best.toml"
    given = ["--set", "company.chips=2", "--set", "company.common=20", "--epochs", "1", "--trials", "2"]
    answer = hwsim("tune", "iris", *given, "--vary", "company.shards=disjoint,same", "--out", str(out), "--json")
    assert answer.code == 0, answer.err
    assert "shards" in out.read_text()
