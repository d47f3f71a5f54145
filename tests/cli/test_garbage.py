"""Garbage is left alone while a command starts, and found again afterwards."""

import subprocess
import sys

PROGRAM = """
import gc, weakref
from cli.garbage import _LOADING, search_later
class Ring: pass
def dropped():
    ring = Ring(); ring.itself = ring
    return weakref.ref(ring)
search_later()
early = dropped()
for _ in range(_LOADING):
    gc.collect()
late = dropped()
gc.collect()
print(early() is not None, late() is None, len(gc.callbacks))
"""


def test_the_first_searches_are_skipped_and_later_ones_are_not():
    """What was garbage by then stays until the process ends; nothing is left of what skipped them."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "0"]
