"""The end of a process in which XLA may still be compiling what nobody waits for any more."""

import atexit
import time
from functools import cache

from circuits.units import Second

_LOOK: Second = 0.2
"""So long it is looked at whether threads compute; an idle process takes that much longer to end."""

_BUSY = 0.01
"""Share of one core that a process takes whose threads compute, on a crowded machine too."""

_LONGEST: Second = 60.0
"""No compilation is waited for any longer: threads of a caller's own may compute without end."""


@cache  # once a process
def wait_at_exit() -> None:
    """Let this process end only when its threads are idle: XLA's would crash when the memory that they use is freed."""
    atexit.register(_until_idle)


def _until_idle() -> None:
    """Wait until no thread computes."""
    end = time.monotonic() + _LONGEST
    while time.monotonic() < end:
        before = time.process_time()
        time.sleep(_LOOK)
        if time.process_time() - before < _BUSY * _LOOK:
            return
