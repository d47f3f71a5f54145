"""What runs report of the energy that simulating took."""

import json

import pytest


def test_a_run_adds_up(hwsim, tmp_path):
    """A run's summary counts its epochs, those before a pause too, and what came after them."""
    folder = tmp_path / "run"
    assert hwsim("train", "xor", "--epochs", "2", "--out", str(folder), "--set", "energy.country=FRA").code == 0
    first = json.loads((folder / "summary.json").read_text())
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert first["simulation_J"] >= sum(row["simulation_J"] for row in rows) > 0
    assert first["simulation_kg_CO2e"] == pytest.approx(0.056 * first["simulation_kWh"])
    answer = hwsim("train", str(folder), "--resume", "--epochs", "4")
    assert answer.code == 0
    assert "energy  " in answer.out
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert json.loads((folder / "summary.json").read_text())["simulation_J"] >= sum(row["simulation_J"] for row in rows)
