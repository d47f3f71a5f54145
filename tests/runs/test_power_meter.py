"""What a simulation takes: processor time of this process and its workers, counters where they can be read, and what is stated."""

import subprocess
import sys
import time

import pytest
from pydantic import ValidationError

from hwsim.runs.power_meter import PowerMeter
from hwsim.settings.energy_settings import EnergySettings

BUSY = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def busy(seconds):
    """Take that much time of a processor."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def package(folder, microjoules, limit=1_000_000):
    """Write the counter of a processor package as Linux shows it."""
    folder.mkdir(exist_ok=True)
    (folder / "energy_uj").write_text(str(microjoules))
    (folder / "max_energy_range_uj").write_text(str(limit))


def test_processor_time_counts_as_stated(tmp_path):
    """Without counters, each second of a processor takes the watts that are stated, and nothing counts twice."""
    meter = PowerMeter(5.0, tmp_path)
    busy(0.2)
    took = meter.since()
    assert 0.15 < took.processor_s < 0.6  # the system counts in ticks of 10 ms
    assert took.simulation_J == pytest.approx(5.0 * took.processor_s)
    assert meter.since().processor_s < 0.1
    assert meter.method == "5 W a busy core"


def test_workers_count_once(tmp_path):
    """What a worker took counts while it runs and after it ended, once."""
    meter = PowerMeter(4.0, tmp_path)
    with subprocess.Popen([sys.executable, "-c", f"{BUSY}\ninput()"], stdin=subprocess.PIPE) as worker:
        while meter.since(workers=True).processor_s < 0.01:
            time.sleep(0.05)
        time.sleep(0.5)
        running = meter.since(workers=True).processor_s
        worker.communicate(b"\n")
    after = meter.since(workers=True).processor_s
    assert running + after >= 0.1
    assert after < 0.3


def test_counters_of_packages_add_up(tmp_path):
    """Joules of all packages are read where they can be, one that begins again at 0 with what it had counted."""
    package(tmp_path / "intel-rapl:0", 900_000)
    package(tmp_path / "intel-rapl:1", 100)
    package(tmp_path / "intel-rapl:0:0", 5)  # a part of the first
    meter = PowerMeter(4.0, tmp_path)
    package(tmp_path / "intel-rapl:0", 200_000)
    package(tmp_path / "intel-rapl:1", 50_100)
    package(tmp_path / "intel-rapl:0:0", 999_999)
    assert meter.since().simulation_J == pytest.approx(0.35)
    assert meter.method == "RAPL of 2 packages"


def test_counters_that_cannot_be_read_are_left_out(tmp_path):
    """A package without numbers is none."""
    package(tmp_path / "intel-rapl:0", "nothing")
    assert PowerMeter(3.0, tmp_path).method == "3 W a busy core"


def test_kilograms_only_of_known_electricity():
    """Kilowatt-hours always; CO2 equivalents by country, or by an intensity, which goes before; the computing centre's share counts."""
    assert EnergySettings().simulated(3.6e6) == {"simulation_kWh": 1.0}
    assert EnergySettings(country="DEU", pue=1.5).simulated(3.6e6) == {
        "simulation_kWh": 1.5,
        "simulation_kg_CO2e": pytest.approx(1.5 * 0.381),
    }
    assert EnergySettings(country="DEU", intensity=0.0).simulated(3.6e6)["simulation_kg_CO2e"] == 0.0
    with pytest.raises(ValidationError, match="not in the table"):
        EnergySettings(country="Atlantis")
