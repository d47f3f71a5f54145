"""Laws: what a diode of a foreign deck is to the numeric engine, or that ngspice alone knows it."""

from collections.abc import Mapping

import numpy as np

from circuits.diode import diode_current
from netlists.foreign.expansion import Expansion
from netlists.foreign.flat import ListedCard, ListedModel
from netlists.read import temperatures
from netlists.read.models import CHARGE, LAW, Junction

_AT_REST = LAW | CHARGE | {"level", "fv_max", "bv_max", "id_max", "te_max", "pd_max"}
"""Parameters of a model whose law is that of a junction and a series resistance; the others change it."""

_CARD = {"area", "m", "temp", "dtemp", "off", "ic"}
_TOLERANCE = 1e-6
"""Share by which a law's current may miss ngspice's: two diodes that are alike differ by rounding."""

_LARGEST = 1e100


def beyond(card: ListedCard, model: ListedModel) -> frozenset[str]:
    """Return the parameters of a diode and its model whose effect on the law is not known here."""
    return model.given - _AT_REST | frozenset(card.named.keys() - _CARD)


def junction(card: ListedCard, model: ListedModel | None, expansion: Expansion) -> Junction | None:
    """Return a diode's law; None when it is another, or does not carry the current that ngspice reports."""
    values, of = expansion.values.get(card.name, {}), expansion.values.get(model.name, {}) if model else {}
    if model is None or beyond(card, model) or of.get("level", 1.0) != 1.0:
        return None
    scale, celsius = values.get("area", 1.0), values.get("temp", expansion.temperature)
    eg, xti, nominal = of.get("eg", np.nan), of.get("xti", np.nan), of.get("tnom", expansion.nominal)
    i_sat, n, rs = of.get("is", np.nan) * scale, of.get("n", np.nan), of.get("rs", 0.0) / scale
    if not (0 <= rs < _LARGEST and 1 / _LARGEST < i_sat < _LARGEST and 1 / _LARGEST < n < _LARGEST):
        return None
    try:
        i_sat, n = temperatures.junction(i_sat, n, celsius, nominal, eg=eg, xti=xti)
    except ValueError:
        return None
    law = Junction(float(i_sat), float(n), eg, xti, rs)
    return law if _carries(law, values, expansion.gmin) else None


def _carries(law: Junction, values: Mapping[str, float], gmin: float) -> bool:
    """Whether a law's current is that which ngspice reports at the voltage that it reports."""
    if not {"vd", "id"} <= values.keys():
        return False
    v = values["vd"]
    i, slope = diode_current(np.array([v]), np.array([law.i_sat]), np.array([law.n]))
    wanted = values["id"] - gmin * v
    off = abs(float(i[0]) - wanted)
    rounding = abs(float(slope[0]) * v) * 1e-9 + law.i_sat * 1e-6 + abs(gmin * v)
    return off <= _TOLERANCE * abs(wanted) + rounding
