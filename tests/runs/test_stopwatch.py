"""The stopwatch: every moment belongs to one account."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.runs.profiling.stopwatch import REST, Stopwatch

ACCOUNTS = st.sampled_from(["a", "b", "c"])
DAYS = st.recursive(st.just([]), lambda inside: st.lists(st.tuples(ACCOUNTS, st.floats(0, 10), inside), max_size=4), max_leaves=10)


@given(DAYS, st.floats(0, 5))
def test_accounts_add_up_to_the_time_that_passed(day, late) -> None:
    """However accounts lie within each other, each gets what passed in it and in none further inside, and the rest is the rest."""
    now, expected = 0.0, {}

    def live(moments, account) -> None:
        nonlocal now
        for name, duration, inside in moments:
            with watch.on(name):
                now += duration
                expected[name] = expected.get(name, 0.0) + duration
                live(inside, name)
            now += late
            expected[account] = expected.get(account, 0.0) + late

    watch = Stopwatch(lambda: now)
    live(day, REST)
    result = watch.seconds()
    assert sum(result.values()) == pytest.approx(now)
    for name, duration in expected.items():
        assert result[name] == pytest.approx(duration)


def test_an_error_ends_an_account() -> None:
    """What raised is over: time continues where it went before."""
    now = 0.0
    watch = Stopwatch(lambda: now)
    with pytest.raises(KeyError), watch.on("a"):
        raise KeyError
    now = 3.0
    assert watch.seconds() == {REST: 3.0, "a": 0.0}


def test_time_can_be_moved() -> None:
    """What turns out to have gone elsewhere is moved there; the sum stays."""
    now = 0.0
    watch = Stopwatch(lambda: now)
    with watch.on("a"):
        now = 5.0
        watch.move(2.0, "b")
    assert watch.seconds() == {REST: 0.0, "a": 3.0, "b": 2.0}
