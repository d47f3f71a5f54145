"""What mutants.py puts into files: one fault at a time, where a test could see it."""

from torture.mutants import wilson
from torture.mutations import faults, mutant

SOURCE = '''"""A docstring of 3 words."""

LIMIT: int = 2


class Point(NamedTuple):
    def __repr__(self):
        return 7


def shifted(x, by=1.5, *, strict=True):
    """Give x + 1."""
    assert x > 0
    if x is None and not strict:
        raise ValueError(f"{x + 1}")
    x[0] = -by
    return zip(x, strict=True)
'''


def test_faults_are_put_where_a_test_could_see_them():
    """Each of the file's faults, and none in texts, annotations, assertions, errors, or how a thing is printed."""
    found = [mutant(SOURCE, fault) for fault in faults(SOURCE)]
    told = {(one.before, one.after) for one in found}
    assert told == {
        ("2", "3"),
        ("1.5", "3.0"),
        ("True", "False"),
        ("x is None and (not strict)", "x is None or not strict"),
        ("x is None", "x is not None"),
        ("not strict", "strict"),
        ("raise ValueError(f'{x + 1}')", "pass"),
        ("x[0] = -by", "pass"),
        ("0", "1"),
        ("-by", "by"),
        ("return zip(x, strict=True)", "return None"),
    }
    assert len({one.text for one in found}) == len(found)
    for one in found:
        compile(one.text, "mutant", "exec")


def test_the_interval_is_wilsons():
    """For 81 of 263 the 95 % interval is 0.255 to 0.366 (Newcombe 1998, Table I)."""
    low, high = wilson(81, 263)
    assert (round(low, 3), round(high, 3)) == (0.255, 0.366)
