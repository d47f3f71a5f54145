"""Models of diodes: what their parameters make of a junction at a temperature, as ngspice computes it."""

from typing import NamedTuple

from circuits.diode import BAND_GAP, XTI
from netlists.read import temperatures
from netlists.read.card import Card
from netlists.read.definitions import ModelCard
from netlists.text.findings import BadCardError
from netlists.text.numbers import read_number

LAW = frozenset(["is", "js", "n", "rs", "eg", "xti", "tnom"])
CHARGE = frozenset(["cjo", "cj0", "cj", "tt", "m", "mj", "vj", "pb", "fc", "kf", "af"])
"""Parameters of a junction's law, and those of charge and noise, which do not change an operating point."""


class Junction(NamedTuple):
    """A diode's law at the temperature that hwsim computes at, what other temperatures make of it, and its series resistance [ohm]."""

    i_sat: float
    n: float
    eg: float
    xti: float
    rs: float


def junction(card: Card, model: ModelCard) -> Junction:
    """Return a diode's law.

    A temperature T scales the thermal voltage like the emission coefficient, so that n·T/300.15 K stands for it.

    Raises
    ------
    BadCardError
        When the model is none of a diode, or a parameter cannot be.

    """
    called, values = f"{card.fields.plain[0].text}: model {model.name}", _values(card, model)
    if {"is", "js"} <= set(values):
        msg = f"{called} has both is= and js=, two names of one number; keep one"
        raise BadCardError(msg)
    i_sat, n = values.get("is", values.get("js", 1e-14)), values.get("n", 1.0)
    for name, value in (("is", i_sat), ("n", n)):
        card.sensible(value, f"model {model.name}: {name}")
    eg, xti = values.get("eg", BAND_GAP), values.get("xti", XTI)
    nominal = card.temperature(values.get("tnom", card.settings.nominal), f"model {model.name}: tnom")
    try:
        i_sat, n = temperatures.junction(i_sat, n, card.settings.temperature, nominal, eg=eg, xti=xti)
    except ValueError as error:
        msg = f"{called}: {error}"
        raise BadCardError(msg) from None
    rs = values.get("rs", 0.0)
    if rs < 0:
        msg = f"{called}: rs = {rs:g} must not be negative"
        raise BadCardError(msg)
    if rs:
        card.sensible(rs, f"model {model.name}: rs")
    return Junction(i_sat, n, eg, xti, rs)


def _values(card: Card, model: ModelCard) -> dict[str, float]:
    values = {}
    for name, token in model.parameters.items():
        try:
            values[name] = read_number(token.text)[0]
        except ValueError as error:
            msg = f"{card.fields.plain[0].text}: model {model.name}: {name}: {error}"
            raise BadCardError(msg) from None
    return values
