"""How many cores this process may use."""

import os


def usable_cores() -> int:
    """Return their number: of those that it is restricted to, where the system restricts processes; else of all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
