"""`hwsim datasheet`: numbers and text of a circuit, and one line for what cannot be."""

import pytest

from hwsim.formatting import quantity


def test_it_prints_and_records_the_same(hwsim):
    """The same circuit as text within 80 columns and as JSON, with the command that repeats it."""
    typed = ("datasheet", "xor", "--samples", "4", "--settle", "1", "--set", "energy.amplifier_watts=1e-5")
    printed, numbers = hwsim(*typed), hwsim(*typed, "--json").json
    assert "STATIC POWER" in printed.out
    assert quantity(numbers["power"]["total"]["mean"], "W") in printed.unwrapped
    assert numbers["energy"]["inference"]["amplifiers"] > 0
    assert numbers["margins"] is None


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["xor", "--spec", "5%"], "--spec is about several chips; add --chips"),
        (["xor", "--limit", "device.levels"], "--limit is about several chips"),
        (["xor", "--chips", "2", "--spec", "few"], "--spec few: is not a number"),
        (["xor", "--chips", "2", "--refresh", "1"], "--refresh is about the retention; add --after"),
        (["xor", "--chips", "2", "--after", "long"], "--after long: should be a finite number"),
        (["xor", "-o", "sheet.pdf"], "a datasheet is written as .html or .json"),
        (["xor", "--force"], "this command writes none"),
        (["ff-digits"], "the experiment is a chain"),
        (["iris", "--set", "company.chips=2"], "a datasheet is of one chip"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(hwsim, typed, message):
    """Naming the option and the remedy."""
    done = hwsim("datasheet", *typed)
    assert done.code == 2
    assert message in " ".join(done.err.split())
    assert "Traceback" not in done.err
