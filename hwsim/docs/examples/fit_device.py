"""Fit a memristor's pulse response to a measured curve, and train with devices like it."""

# %% What was measured: pulses before each reading, negative ones down, and the conductance [S]
from pathlib import Path

import hwsim as hw

MEASURED = """\
pulses,g
0,1.00e-6
20,3.02e-6
20,4.61e-6
20,5.88e-6
20,6.95e-6
20,7.73e-6
-20,6.31e-6
-20,5.09e-6
-20,4.12e-6
-20,3.39e-6
-20,2.71e-6
"""
Path("measured.csv").write_text(MEASURED, encoding="utf-8")

# %% Fit all kinds of steps; the first describes it best by Akaike's criterion
fits = hw.fit_device("measured.csv", "fitted.toml")
for one in fits:
    print(f"{one.device.step.kind:12} AIC {one.aic - fits[0].aic:+5.1f}, error of a forecast {one.rms:.1e} S")
for estimate in fits[0].estimates:
    print(f"{estimate.name} = {estimate.value:.4g}, 95 %: {estimate.low:.4g} to {estimate.high:.4g}")
kind = fits[0].device.step.kind

# %% Every update is now sent as whole pulses to such devices
x, y = hw.dataset("iris")
net = hw.Network(inputs=4, layers=[hw.Layer(10, amplifier=hw.Amplifier())], outputs=3)
model = hw.fit(net, x[::2], y[::2], device="fitted.toml", epochs=10, seed=0)
score = model.score(x[1::2], y[1::2])
print(f"{score:.1%} of the other flowers are recognised")
