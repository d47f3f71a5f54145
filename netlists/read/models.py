"""Models of resistors and diodes: what their parameters make of an element at a temperature, as ngspice computes it."""

import math
from typing import NamedTuple

from circuits.diode import BAND_GAP, XTI
from netlists.read import temperatures
from netlists.read.definitions import Model
from netlists.read.instances import Card, Instance
from netlists.text.findings import BadCardError, Finding

_RESISTOR = {"r", "res", "rsh", "narrow", "short", "defw", "tc1", "tc2", "tnom"}
_RESISTOR_IGNORED = {"kf", "af", "ef", "wf", "lf", "bv_max"}
_DIODE = {"is", "js", "n", "rs", "eg", "xti", "tnom", "level"}
_DIODE_IGNORED = {*("cjo", "cj0", "cj", "tt", "m", "mj", "vj", "pb", "fc", "kf", "af"), *("fv_max", "bv_max", "id_max", "te_max", "pd_max")}
"""They say something of charge, noise or limits, nothing of an operating point."""

_DIODE_PASSED = {
    *(
        "jsw",
        "ns",
        "trs",
        "trs1",
        "trs2",
        "ttt1",
        "ttt2",
        "tm1",
        "tm2",
        "tcv",
        "bv",
        "ibv",
        "ib",
        "nbv",
        "ik",
        "ikf",
        "ikr",
        "ikp",
        "area",
        "pj",
    ),
    *(
        "tlev",
        "tlevc",
        "cta",
        "ctc",
        "ctp",
        "tpb",
        "tvj",
        "tphp",
        "jtun",
        "jtunsw",
        "ntun",
        "xtitun",
        "keg",
        "fcs",
        "cjp",
        "cjsw",
        "php",
        "vjsw",
    ),
    *("mjsw", "isr", "nr", "rth0", "cth0", "lm", "lp", "wm", "wp", "xom", "xoi", "xm", "xp", "xw", "vp", "jfet", "soft_rev_rec"),
}
"""They change the law; ngspice knows how."""

_BREAKDOWN = {"bv", "ibv", "ib", "nbv", "tcv"}
_FAR = 50.0
"""V; a diode that breaks down no earlier than this is taken for one that never does. ngspice's law is the same until then."""

_LENGTH = 10e-6
"""m; length, or width, of a resistor whose card says only the other."""


def parameters(card: Card, model: Model, where: Instance) -> dict[str, float]:
    """Read the parameters of a model in the instance that it stands in.

    Raises
    ------
    BadCardError
        When one is no number.

    """
    values = {}
    for name, token in model.parameters.items():
        try:
            values[name] = where.scope.number(token.text)[0]
        except ValueError as error:
            msg = f"{card.fields.plain[0].text}: model {model.name}: {name}: {error}"
            raise BadCardError(msg) from None
    if "tnom" in values:
        card.temperature(values["tnom"], f"model {model.name}: tnom")
    return values


def _unknown(card: Card, model: Model, values: dict[str, float], known: set[str]) -> None:
    left = sorted(set(values) - known)
    if left:
        msg = (
            f"{card.fields.plain[0].text}: model {model.name} has {left[0]}=, which is not understood; there are {', '.join(sorted(known))}"
        )
        raise BadCardError(msg)


class ResistorModel(NamedTuple):
    """What a model makes of a resistor: its resistance, if it says one, and how that changes with temperature."""

    ohm: float | None
    tc1: float
    tc2: float
    nominal: float


def resistor(card: Card, model: Model, where: Instance) -> ResistorModel:
    """Read a resistor's model; `l` and `w` are those of the card.

    Raises
    ------
    BadCardError
        When the model is none of a resistor, or holds what is not understood.

    """
    if model.kind not in {"r", "res"}:
        msg = f"{card.fields.plain[0].text}: model {model.name} is of kind {model.kind}; a resistor's is R"
        raise BadCardError(msg)
    values = parameters(card, model, where)
    _unknown(card, model, values, _RESISTOR | _RESISTOR_IGNORED)
    length, width = card.option("l", _LENGTH), card.option("w", values.get("defw", _LENGTH))
    ohm = values.get("r", values.get("res"))
    if values.get("rsh"):
        long, wide = length - 2 * values.get("short", 0.0), width - 2 * values.get("narrow", 0.0)
        if not (long > 0 and wide > 0):
            msg = f"{card.fields.plain[0].text}: model {model.name} leaves it {long:g} m long and {wide:g} m wide; correct l and w"
            raise BadCardError(msg)
        ohm = values["rsh"] * long / wide
    return ResistorModel(ohm, values.get("tc1", 0.0), values.get("tc2", 0.0), values.get("tnom", card.settings.nominal))


class Junction(NamedTuple):
    """A diode's law at the temperature that hwsim computes at, what other temperatures make of it, and its series resistance [ohm]."""

    i_sat: float
    n: float
    eg: float
    xti: float
    rs: float


def junction(card: Card, model: Model, where: Instance) -> Junction | None:
    """Read a diode's model; nothing when ngspice alone knows its law.

    A temperature T scales the thermal voltage like the emission coefficient, so that n·T/300.15 K stands for it.

    Raises
    ------
    BadCardError
        When the model is none of a diode, or a parameter cannot be.

    """
    if model.kind != "d":
        msg = f"{card.fields.plain[0].text}: model {model.name} is of kind {model.kind}; a diode's is D"
        raise BadCardError(msg)
    values = parameters(card, model, where)
    _unknown(card, model, values, _DIODE | _DIODE_IGNORED | _DIODE_PASSED)
    beyond = set(values) & _DIODE_PASSED
    if values.get("bv", math.inf) >= _FAR:
        beyond -= _BREAKDOWN
    if beyond or values.get("level", 1.0) != 1.0:
        return None
    if "bv" in values:
        at = f"the breakdown of {model.name} at {values['bv']:g} V is left aside"
        text = f"{card.fields.plain[0].text}: {at}; until then the law is the same"
        card.findings.notes.append(Finding(card.line.source.name, card.line.number, text))
    if {"is", "js"} <= set(values):
        msg = f"{card.fields.plain[0].text}: model {model.name} has both is= and js=, two names of one number; keep one"
        raise BadCardError(msg)
    i_sat, n = values.get("is", values.get("js", 1e-14)), values.get("n", 1.0)
    for name, value in (("is", i_sat), ("n", n)):
        card.sensible(value, f"model {model.name}: {name}")
    eg, xti = values.get("eg", BAND_GAP), values.get("xti", XTI)
    celsius = card.degrees()
    try:
        i_sat, n = temperatures.junction(i_sat, n, celsius, values.get("tnom", card.settings.nominal), eg=eg, xti=xti)
    except ValueError as error:
        msg = f"{card.fields.plain[0].text}: model {model.name}: {error}"
        raise BadCardError(msg) from None
    rs = values.get("rs", 0.0)
    if rs < 0:
        msg = f"{card.fields.plain[0].text}: model {model.name}: rs = {rs:g} must not be negative"
        raise BadCardError(msg)
    if rs:
        card.sensible(rs, f"model {model.name}: rs")
    return Junction(i_sat, n, eg, xti, rs)
