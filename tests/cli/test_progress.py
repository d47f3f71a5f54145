"""Progress: how fast and how much longer, in words that do not lie."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.output import Output, ProgressStep, shortened
from cli.pace import WINDOW, Pace, clock_face
from cli.train import rounded


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@given(st.floats(0.01, 1e4), st.integers(2, 50), st.floats(0, 1e6))
def test_a_steady_job_takes_as_long_as_it_should(step: float, steps: int, before: float) -> None:
    """At one unit a step the rest takes a step a unit, whatever was done before the first look, and however long the first step took."""
    clock = Clock()
    pace, total = Pace(clock), before + steps + 10
    assert pace.remaining(before, total) is None
    clock.now += 100 * step
    assert pace.remaining(before + 1, total) is None
    for k in range(2, steps + 1):
        clock.now += step
        assert pace.remaining(before + k, total) == pytest.approx((10 + steps - k) * step, rel=1e-6)
    assert pace.elapsed() == pytest.approx((steps + 99) * step)


def test_what_is_long_past_does_not_count() -> None:
    """A machine that others slowed down for an hour and then left alone is checked by the last minute."""
    clock = Clock()
    pace = Pace(clock)
    pace.remaining(0, 1000)
    for k in range(1, 500):
        clock.now += WINDOW if k < 100 else 1.0
        remaining = pace.remaining(k, 1000)
    assert remaining == pytest.approx(501.0)


def test_a_job_that_stands_still_has_no_end() -> None:
    """Without progress there is no pace."""
    clock = Clock()
    pace = Pace(clock)
    pace.remaining(3, 10)
    clock.now = 5.0
    assert pace.remaining(3, 10) is None


@pytest.mark.parametrize(
    ("seconds", "face"), [(0.2, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03"), (90_000, "25:00:00")]
)
def test_times_are_written_as_clocks_do(seconds: float, face: str) -> None:
    """Minutes and seconds; hours where there are some."""
    assert clock_face(seconds) == face


@pytest.mark.parametrize(("number", "text"), [(28_712.3, "28,700"), (0.01234, "0.0123"), (7.0, "7.00"), (999_999, "1,000,000"), (0.0, "0")])
def test_speeds_have_three_digits(number: float, text: str) -> None:
    """More would flicker."""
    assert rounded(number) == text


def test_training_prints_speed_and_time(hwsim) -> None:
    """The last line shows how fast it went and how long it took; the summary and each epoch's row hold the speed too."""
    answer = hwsim("train", "digits", "--epochs", "3", "--set", "data.train_limit=64", "--json")
    *_, last = answer.err.splitlines()
    assert re.fullmatch(r"epoch 3/3, test error \d+\.\d\d %, loss \S+ V², [\d,.]+ images/s, in \d+:\d\d", last)
    assert answer.json["samples_per_second"] == pytest.approx(64 / answer.json["seconds_per_epoch"])


def test_a_terminal_shows_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, never longer than the terminal is wide: what does not fit is cut, the time stays."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    for name, value in (("COLUMNS", "60"), ("TERM", "xterm"), ("FORCE_COLOR", "1")):
        monkeypatch.setenv(name, value)
    with Output().progress("digits") as show:
        for done in range(3):
            show(ProgressStep(done, 2, "the description of this step is longer than sixty characters"))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    lines = [line for line in re.split(r"[\r\n]+", shown) if line.strip()]
    assert all(len(line.rstrip()) <= 60 for line in lines)
    assert re.search(r"digits .* the description .*… in 0:0\d", lines[-1])


def test_a_profile_is_printed(hwsim) -> None:
    """`--profile` prints a table of where the time went, and JSON holds its lines."""
    words = ("train", "xor", "--epochs", "2", "--profile")
    text, report = hwsim(*words).out, hwsim(*words, "--json").json
    for line in report["profile"]["lines"]:
        assert line["name"] in text
    assert re.search(r"^all +\d+\.\d\d +100\.0 %$", text, re.MULTILINE)
    assert "mean steps of an equilibrium" in text
    assert "estimates" in " ".join(text.split())


def test_an_error_on_a_validation_part_is_called_so(hwsim, tmp_path: Path) -> None:
    """Where it stands in for the test set, commands, plots and reports name it; keys of JSON stay as they are."""
    short = ["--epochs", "1", "--set", "circuit.layers=[]"]
    trained = hwsim("train", "iris", *short, "--set", "data.validation=0.25", "--out", "run")
    assert trained.out.startswith("validation error ")
    assert ", validation error " in trained.err
    assert hwsim("evaluate", "run").out.startswith("validation error ")
    assert hwsim("evaluate", "run", "--part", "train").out.startswith("train error ")
    assert "test_error" in hwsim("evaluate", "run", "--json").json
    hwsim("report", "run", "-o", "run.html")
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "validation error" in page
    assert "test error" not in page.lower()
    assert "test set" not in page


@pytest.mark.parametrize(
    ("room", "text"), [(30, "error 0.5 %, 77,100 images/s"), (27, "error 0.5 %"), (11, "error 0.5 %"), (8, "error 0…"), (0, "…")]
)
def test_no_number_is_cut_in_two(room: int, text: str) -> None:
    """Where a line of progress is too long, its last parts are left out; only what remains of the first is cut."""
    assert shortened("error 0.5 %, 77,100 images/s", room) == text
