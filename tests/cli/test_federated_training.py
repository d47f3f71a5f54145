"""`hwsim train` of chips with reservoirs: a folder for each chip, resumed, and refused where it makes no sense."""

import json

import pytest

SEQUENCES = """
[reservoir]
nodes = 6
family = "cycle"
leak = 0.5
[[blocks]]
kind = "digital"
layers = [{ kind = "dense", size = 3 }]
optimizer = { kind = "ridge" }
[data]
name = "sines"
[training]
epochs = 1
precision = "float64"
"""


@pytest.fixture
def sequences(tmp_path):
    """Write an experiment whose samples are sequences with a class each."""
    path = tmp_path / "sequences.toml"
    path.write_text(SEQUENCES)
    return str(path)


@pytest.mark.parametrize("exchange", ["sums", "plasticity"])
def test_each_chip_is_a_run(hwsim, tmp_path, sequences, exchange):
    """Which other commands take, with the gains that its nodes have; and a finished run is resumed to the same end."""
    folder = tmp_path / "both"
    keys = ["company.chips=2", f"company.exchange={exchange}", "company.shards=by-class", "company.sizes=[20]"]
    keys += ["company.rounds=2"] if exchange == "plasticity" else []
    arguments = [part for key in keys for part in ("--set", key)]
    answer = hwsim("train", sequences, *arguments, "--out", str(folder), "--json")
    assert answer.code == 0, answer.err
    assert answer.json["samples"] == [20, sum(answer.json["samples"]) - 20]
    shares = json.loads((folder / "shards.json").read_text())["samples"]
    assert [sum(counts) for counts in shares] == answer.json["samples"]
    assert 0 in shares[0]
    for k in range(2):
        tested = hwsim("evaluate", str(folder / f"chip-{k}"), "--json")
        assert tested.json["test_error"] == answer.json[f"test_error/{k}"]
    assert ("gains = []" in (folder / "chip-1" / "experiment.toml").read_text()) == (exchange == "sums")
    if exchange == "sums":
        again = hwsim("train", str(folder), "--resume")
        assert again.code == 0, again.err
        assert "by sums once" in again.out
        summary = json.loads((folder / "summary.json").read_text())
        assert all(summary[key] == value for key, value in answer.json.items() if key.startswith("test_error"))


@pytest.mark.parametrize(
    ("what", "keys", "words"),
    [
        ("narma10", ["exchange=mean-gradient"], "these read reservoirs; use 'sums', 'plasticity' or 'none'"),
        ("narma10", ["exchange=outputs", "common=100"], "use 'sums', 'plasticity' or 'none'"),
        ("narma10", ["exchange=sums", "chips=11"], "2200 rows are too few for 11 chips, each with a washout of 200 rows"),
        ("narma10", ["exchange=sums", "sizes=[20, 20, 20]"], "are of up to 2 chips"),
        ("narma10", ["exchange=sums", "sizes=[2000]"], "lower company.sizes, company.chips or reservoir.washout"),
        ("narma10", ["exchange=sums", "least_samples=2000"], "no chip has more than 900 samples"),
        ("narma10", ["exchange=sums", "shards=by-class"], "divides by class, and a regression has none"),
        ("narma10", ["exchange=sums", "common=10"], "omit it"),
        ("narma10", ["exchange=sums", "precision=int8"], "precision = 'int8' does nothing with exchange = 'sums'"),
        ("narma10", ["exchange=sums", "rounds=3"], "rounds = 3 does nothing with exchange = 'sums'"),
        ("narma10", ["least_samples=3"], "least_samples = 3 does nothing with exchange = 'none'"),
        ("narma10", ["exchange=sums", "exact=true"], "computed one by one anyway; omit it"),
        ("iris", ["exchange=sums"], "there is no [reservoir]"),
        ("iris", ["sizes=[20]"], "circuits learn from equally many"),
        ("ff-digits", ["exchange=plasticity"], "there is no [reservoir]"),
    ],
)
def test_bad_input_is_one_line(hwsim, tmp_path, monkeypatch, what, keys, words):
    """What no company of reservoirs can do is refused in a line, and leaves no folder."""
    monkeypatch.chdir(tmp_path)
    arguments = [part for key in ["chips=2", *keys] for part in ("--set", f"company.{key}")]
    answer = hwsim("train", what, *arguments)
    assert (answer.code, answer.err.count("\n")) == (2, 1 + answer.err.count("loading"))
    assert words in answer.err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["blocks[0].optimizer.kind=rls"], "solved by ridge regression"),
        (["reservoir.dynamics=continuous", "reservoir.leak=0.5", "company.exchange=plasticity"], "adapts clocked reservoirs"),
        (["reservoir.gains=[1.0]"], "1 and 0 numbers; give one a node, 200 each, or omit both"),
    ],
)
def test_other_keys_must_fit(hwsim, keys, words):
    """Those of the read-out and of the reservoir."""
    every = ["company.chips=2", "company.exchange=sums", *keys]
    answer = hwsim("train", "narma10", *[part for key in every for part in ("--set", key)])
    assert answer.code == 2
    assert words in answer.err.splitlines()[-1]
