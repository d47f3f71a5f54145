"""What all tests share: how hard Hypothesis searches, and that Ctrl-C is heard."""

import os
import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    max_examples=25,
    deadline=None,  # the first example compiles, and nothing is timed here
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("search", settings.get_profile("default"), max_examples=1000)  # pytest --hypothesis-profile=search
settings.load_profile("ci" if os.environ.get("CI") else "default")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in what a shell starts in the background; some tests interrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)
