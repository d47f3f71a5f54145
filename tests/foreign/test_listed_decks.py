"""Decks of one feature each, as they come from elsewhere: every voltage is ngspice's, or a line states why there is none."""

from collections import Counter

import pytest

from support import foreign_decks
from support.foreign_decks import ENGINES, Outcome, known, outcome, texts, values

_MOST_REFUSED = 0.03
"""Share of the list that the ngspice engine may refuse."""

_AGREES = Outcome("agrees")


def _cases():
    for name in texts():
        for engine in ENGINES:
            kind, why = known().get((name, engine), _AGREES)
            fault = [pytest.mark.xfail(reason=why, strict=True, raises=AssertionError)] if kind == "wrong" else []
            yield pytest.param(name, engine, marks=fault, id=f"{name}-{engine}")


@pytest.fixture(scope="module", autouse=True)
def _one_pool():
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from foreign_decks.one_pool(monkeypatch)


@pytest.mark.parametrize(("name", "engine"), list(_cases()))
def test_a_deck_means_what_it_means_to_ngspice(name, engine, tmp_path):
    """Every node that ngspice prints has the same voltage under the same name; refusals are those that known.txt lists."""
    recorded, today = known().get((name, engine), _AGREES), outcome(name, engine, tmp_path)
    if recorded.kind == "refused":
        renew = "renew the list: python tests/foreign/renew.py known"
        assert today.kind == "refused", f"known.txt states that {name} is refused by {engine}, and it is no more: {today}; {renew}"
    else:
        assert today.kind == "agrees", f"{today.why}\n{texts()[name]}"


def test_the_list_is_whole():
    """At least 300 decks; ngspice's voltages are there of each; known.txt names decks and engines that there are."""
    assert len(texts()) >= 300
    assert values().keys() == texts().keys()
    assert all(values().values())
    assert {name for name, _ in known()} <= texts().keys()
    assert {engine for _, engine in known()} <= set(ENGINES)
    assert {kind for kind, _ in known().values()} <= {"refused", "wrong"}


def test_few_decks_are_refused_and_none_is_wrong():
    """In the list as it is recorded: no fault in either engine, and a refusal by ngspice's in 3 % of the decks at most."""
    kinds = Counter((engine, kind) for (_, engine), (kind, _) in known().items())
    assert not [key for key in kinds if key[1] == "wrong"]
    assert kinds["ngspice", "refused"] <= _MOST_REFUSED * len(texts())


def test_the_numeric_engine_refuses_only_what_it_does_not_know():
    """What it refuses and ngspice's engine takes is refused in a line that names that engine."""
    refused = {name: why for (name, engine), (kind, why) in known().items() if kind == "refused" and engine == "numeric"}
    assert all("--engine ngspice" in why for name, why in refused.items() if (name, "ngspice") not in known())
