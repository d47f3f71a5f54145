"""Devices given in units of weights, as aihwkit's presets are, turned into shares of the conductance range.

There the state is a weight w from w_min to w_max, steps are given at w = 0 and noise in multiples of dw_min; here it is
x = (w − w_min)/(w_max − w_min).
"""

from typing import Any, Literal

from pydantic import NonNegativeFloat, PositiveFloat

from hwsim.settings.sections import Section


class Weights(Section):
    """A device in units of weights; the names are those of aihwkit's presets, `law` names its model.

    Parameters
    ----------
    dw_min
        Mean step at weight 0.
    up_down
        How much longer steps up are, as a share; negative: steps down.
    w_min, w_max
        Bounds.
    dw_min_dtod, up_down_dtod, w_min_dtod, w_max_dtod
        Device-to-device spreads; all but that of up_down are relative.
    dw_min_dtod_log_normal
        Whether steps are log-normal.
    dw_min_std, mult_noise
        Noise of a pulse in multiples of its own step, or of dw_min unless mult_noise.
    write_noise_std
        Noise of what is seen, in multiples of dw_min.
    gamma_up, gamma_down
        Slope of linear steps towards the bound ahead, or exponents of exponential ones.
    mean_bound_reference
        Whether a slope refers to the nominal bound instead of the device's own.
    A_up, A_down, a, b
        Of exponential steps: 1 − A·exp(±gamma·z), z = 2a·w/(w_max − w_min) + b.
    lifetime
        Updates in which a leak takes a weight to 1/e of itself.
    reset_dtod
        Standard deviation of the weight after a reset.

    """

    law: Literal["constant", "linear", "soft-bounds", "exponential"]
    dw_min: PositiveFloat
    up_down: float = 0.0
    w_min: float = -1.0
    w_max: float = 1.0
    dw_min_dtod: NonNegativeFloat = 0.0
    dw_min_dtod_log_normal: bool = False
    up_down_dtod: NonNegativeFloat = 0.0
    w_min_dtod: NonNegativeFloat = 0.0
    w_max_dtod: NonNegativeFloat = 0.0
    dw_min_std: NonNegativeFloat = 0.0
    mult_noise: bool = True
    write_noise_std: NonNegativeFloat = 0.0
    gamma_up: float = 0.0
    gamma_down: float = 0.0
    mean_bound_reference: bool = False
    A_up: float = 0.0
    A_down: float = 0.0
    a: float = 0.0
    b: float = 0.0
    lifetime: PositiveFloat | None = None
    reset_dtod: NonNegativeFloat = 0.0

    def sections(self) -> dict[str, Any]:
        """Return the same device as sections of a device file."""
        size = self.w_max - self.w_min
        delta, zero = self.dw_min / size, -self.w_min / size
        settings: dict[str, Any] = {
            "step": self._step(delta, zero, size),
            "reset_noise": self.reset_dtod / size,
            "noise": {"cycle": self.dw_min_std, "write": self.write_noise_std * delta} | ({} if self.mult_noise else {"even_step": delta}),
            "spread": {
                "step": self.dw_min_dtod,
                "law": "log-normal" if self.dw_min_dtod_log_normal else "normal",
                "asymmetry": self.up_down_dtod,
                "low": self.w_min_dtod * abs(self.w_min) / size,
                "high": self.w_max_dtod * self.w_max / size,
            },
        }
        return settings | ({} if self.lifetime is None else {"leak": {"lifetime": self.lifetime, "rest": zero}})

    def _step(self, delta: float, zero: float, size: float) -> dict[str, Any]:
        settings = {"kind": self.law, "delta_up": delta * (1 + max(self.up_down, 0.0)), "delta_down": delta * (1 + max(-self.up_down, 0.0))}
        gammas = {"gamma_up": self.gamma_up, "gamma_down": self.gamma_down}
        match self.law:
            case "constant":
                return settings
            case "soft-bounds":
                return settings | {"reference": zero}
            case "linear":
                return settings | gammas | {"reference": zero, "own_slope": not self.mean_bound_reference}
            case "exponential":
                start = 2 * self.a * self.w_min / size + self.b
                return settings | gammas | {"a_up": self.A_up, "a_down": self.A_down, "slope": 2 * self.a, "start": start}
