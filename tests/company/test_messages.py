"""Messages: what rounding leaves of numbers, and what they take."""

import numpy as np
import pytest
from pydantic import ValidationError

from hwsim.company.messages import byte_count, bytes_an_exchange, sent
from hwsim.settings.company_settings import CompanySettings

X = np.random.default_rng(0).normal(size=(20, 30))


def test_rounding_is_as_fine_as_its_bits():
    """8 bits leave half a step of the range, 32 bits the precision of float32, and a sign the mean size."""
    assert np.abs(sent(X, "int8") - X).max() <= 0.5001 * (X.max() - X.min()) / 255
    assert len(np.unique(np.round((sent(X, "int8") - X.min()) / ((X.max() - X.min()) / 255)))) <= 256
    assert np.array_equal(sent(X, "float32"), X.astype(np.float32))
    assert np.array_equal(np.sign(sent(X, "sign")), np.sign(X))
    assert np.abs(sent(X, "sign")).mean() == pytest.approx(np.abs(X).mean())


def test_equal_numbers_stay():
    """An array without any range is sent as it is."""
    assert np.array_equal(sent(np.full(5, 0.25), "int8"), np.full(5, 0.25))


def test_bytes():
    """Each number takes its bits, and each chip that listens gets the answers of each that it listens to."""
    assert byte_count(100, "float32") == 400
    assert byte_count(100, "int8") == 108
    four = CompanySettings(chips=4, exchange="outputs", common=1000)
    assert bytes_an_exchange(four, conductances=5000, outputs=10) == 4 * 3 * 40_000
    ring = four.model_copy(update={"listen": "ring", "precision": "sign"})
    assert bytes_an_exchange(ring, conductances=5000, outputs=10) == 4 * 500
    assert bytes_an_exchange(CompanySettings(chips=4), conductances=5000, outputs=10) == 0


def test_a_mean_comes_back_in_32_bits():
    """Chips send rounded numbers, and get the mean that they are given, which is none of these."""
    gradients = CompanySettings(chips=4, exchange="mean-gradient")
    assert bytes_an_exchange(gradients, conductances=5000, outputs=10) == 4 * (20_000 + 20_000)
    signs = gradients.model_copy(update={"precision": "sign"})
    assert bytes_an_exchange(signs, conductances=5000, outputs=10) == 4 * (633 + 20_000)
    weights = CompanySettings(chips=4, exchange="mean-weights", precision="int8")
    assert bytes_an_exchange(weights, conductances=5000, outputs=10) == 4 * (5008 + 20_000)


@pytest.mark.parametrize(
    "settings", [{"exchange": "outputs"}, {"exchange": "mean-weights", "precision": "sign"}, {"exchange": "mean-gradient", "every": 2}]
)
def test_what_means_nothing_is_refused(settings):
    """Settings that cannot be carried out are refused."""
    with pytest.raises(ValidationError):
        CompanySettings(chips=4, **settings)
