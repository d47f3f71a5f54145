"""Reconstructions on a page and in evaluate: each sample above what the outputs make of it, and principal components next to them."""

from pathlib import Path

import numpy as np
import pytest

from circuits.maps import Maps
from cli.main import main
from hwsim.data import pca_baseline
from hwsim.report.reconstructions import mosaic
from hwsim.report.run_files import read_run
from hwsim.report.run_section import run_section
from hwsim.session import Session


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train an autoencoder for a moment."""
    folder = tmp_path_factory.mktemp("runs") / "ae"
    words = ["--epochs", "1", "--set", "data.train_limit=64", "--out", str(folder)]
    assert main(["train", "autoencoder-digits", *words]) == 0
    return folder


def test_a_page_shows_samples_and_their_reconstructions(run: Path) -> None:
    """Its gallery has them instead of single targets over the truth."""
    (learning, *_) = run_section(read_run(str(run)), "run-1").galleries
    names = [picture.name for picture in learning.pictures]
    assert "run-1-reconstructions" in names
    assert "run-1-predictions" not in names
    shown = next(picture for picture in learning.pictures if picture.name == "run-1-reconstructions")
    assert shown.alt.startswith("Images of 10 samples")


def test_evaluate_prints_principal_components_of_the_same_rank(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their error is that of the same samples."""
    record = read_run(str(run))
    data = Session.of(record.experiment).data
    baseline = pca_baseline.of(record.experiment, data, data.x_test[:50])
    assert baseline is not None
    assert main(["evaluate", str(run), "--limit", "50"]) == 0
    assert f"principal components of the training set, rank 16: RMSE {1000 * baseline.error:.4g} mV" in capsys.readouterr().out


@pytest.mark.parametrize("maps", [Maps(2, 3, 1), Maps(2, 3, 3)])
def test_a_mosaic_has_every_pixel_in_its_place(maps: Maps) -> None:
    """Sample 1 is the second image of the first row, its reconstruction is below it; colours stay apart."""
    true, again = np.random.default_rng(0).uniform(size=(2, 3, maps.size))
    (true[0, 0], again[2, -1]) = 0.0, 1.0
    drawn = mosaic(true, again, maps).reshape(8, 15, -1)
    np.testing.assert_allclose(drawn[1:3, 6:9], true[1].reshape(2, 3, -1))
    np.testing.assert_allclose(drawn[5:7, 11:14], again[2].reshape(2, 3, -1))
    assert (drawn[[0, 3, 4, 7]] == 1).all()
