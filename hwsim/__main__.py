"""The way in, as `hwsim` and as `python -m hwsim`: makes sure that hwsim's packages are its own, then runs the command line."""

import json
import sys

from hwsim.siblings import shadowed


def run() -> None:
    """Run the command line of this process; exit with 2 where another package has taken the place of one of hwsim's."""
    fault = shadowed()
    if fault is not None:
        sys.stderr.write(f"hwsim: {fault}\n")
        if "--json" in sys.argv:
            sys.stdout.write(json.dumps({"error": fault}) + "\n")
        sys.exit(2)
    from cli.main import run as command_line  # noqa: PLC0415 - only now is it known to be ours

    command_line()


if __name__ == "__main__":
    run()
