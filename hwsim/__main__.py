"""The way in, as `hwsim` and as `python -m hwsim`: makes sure that hwsim's packages are its own, then runs the command line."""

import json
import sys

from hwsim.siblings import missing, shadowed


def run() -> None:
    """Run the command line of this process; exit with 2 where a part of hwsim, or what it is built on, is missing or another's."""
    fault = shadowed()
    if fault is None:
        try:
            from cli.main import run as command_line  # noqa: PLC0415 - only now is it known to be ours
        except ModuleNotFoundError as error:
            fault = missing(error.name or str(error))
        else:
            command_line()
            return
    sys.stderr.write(f"hwsim: {fault}\n")
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps({"error": fault}) + "\n")
    sys.exit(2)


if __name__ == "__main__":
    run()
