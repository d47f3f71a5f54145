"""gnucap through the commands: a deck that it runs, and the refusal of what it does not have."""

from pathlib import Path


def test_a_deck_for_gnucap_is_written(hwsim):
    """Free and two nudged analyses, with the sample and the conductances described on top; measures of ngspice are refused."""
    answer = hwsim("compile", "xor", "--dialect", "gnucap", "-o", "xor.ckt")
    assert "run it: gnucap -b xor.ckt" in answer.out
    assert hwsim("compile", "xor", "--dialect", "gnucap", "-o", "xor.ckt").code == 0, "its own deck is replaced"
    text = Path("xor.ckt").read_text(encoding="utf-8")
    assert text.count("\n.dc\n") == 3
    assert "* Sample 0 of the test set of xor" in text
    assert ".control" not in text
    refused = hwsim("compile", "xor", "--dialect", "gnucap", "--measure", "power", "-o", "power.ckt")
    assert refused.code == 2
    assert "--measure power" in refused.err
    assert not Path("power.ckt").exists()
    transistors = hwsim("compile", "examples/mosfet-network", "--dialect", "gnucap", "-o", "mos.ckt")
    assert transistors.code == 2
    assert "begin with M" in transistors.err
    assert not Path("mos.ckt").exists()


def test_a_missing_gnucap_is_reported_before_anything_is_computed(hwsim, monkeypatch):
    """Exit code 2, one line that shows how to install it."""
    monkeypatch.setenv("HWSIM_GNUCAP", "/none/gnucap")
    answer = hwsim("check", "xor", "--witness", "gnucap")
    assert answer.code == 2
    assert answer.out == ""
    assert "apt-get install gnucap" in answer.err
