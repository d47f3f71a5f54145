"""Renew what is stored next to the list of foreign decks.

python tests/foreign/renew.py ngspice         # ngspice39.json: voltages of each deck, by `ngspice -b` (ngspice 39)
python tests/foreign/renew.py known           # known.txt: how hwsim's engines take each deck today, where they do not agree
"""

import json
import re
import sys
import tempfile
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1])]
from support import foreign_decks  # noqa: E402 - found by the line before
from support.decks import operating_point  # noqa: E402

_SETTINGS = ".options reltol=1e-9 vntol=1e-12 abstol=1e-15 itl1=500 itl2=500"
"""Tight enough that ngspice's voltages are exact to the digits that are compared."""


def ngspice() -> None:
    """Write the voltages that ngspice finds."""
    voltages = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in foreign_decks.texts().items():
            cards = text.removesuffix(".end\n")
            v = operating_point(f"{cards}{_SETTINGS}\n.end\n", Path(folder)).v
            voltages[name] = {node: float(f"{value:.12g}") for node, value in sorted(v.items())}
    lines = [f"{json.dumps(name)}: {json.dumps(v)}" for name, v in voltages.items()]
    foreign_decks.VALUES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def known() -> None:
    """Write how the engines take each deck, where they do not agree with ngspice."""
    lines = []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        pool = foreign_decks.one_pool(patch)
        next(pool)
        for name in foreign_decks.texts():
            for engine in foreign_decks.ENGINES:
                kind, why = foreign_decks.outcome(name, engine, Path(folder))
                if kind != "agrees":
                    lines.append(f"{name} {engine} {kind} {re.sub(r'[^ -~]+', '?', why)[:160].strip()}")
        next(pool, None)
    foreign_decks.KNOWN.write_text(foreign_decks.HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    tasks = {"ngspice": ngspice, "known": known}
    if sys.argv[1:2] == [] or sys.argv[1] not in tasks:
        sys.exit(__doc__)
    tasks[sys.argv[1]]()
