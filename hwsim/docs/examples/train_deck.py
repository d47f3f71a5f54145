"""Read a SPICE deck, train the resistors that it names, and write it back with what was learned."""

# %% A divider: R1 and R2 are trainable, and R3, a load, is not
from pathlib import Path

import numpy as np

import hwsim as hw

RATIO = 0.3
DECK = """\
* A divider that is to learn a ratio
*hwsim: input V1
*hwsim: trainable R1 R2 g_min=1e-6 g_max=1e-3
*hwsim: output mid
*hwsim: set data.task=regression
*hwsim: set data.scaling=none
*hwsim: set data.target_scaling=none
V1 in 0 1
R1 in mid 10k
R2 mid 0 10k
R3 mid 0 100k
.end
"""
Path("divider.cir").write_text(DECK, encoding="utf-8")

# %% Train it to divide by the ratio
volts = np.linspace(-1, 1, 20)
model = hw.fit("divider.cir", volts[:, None], RATIO * volts, epochs=200, seed=0)
print(f"R² {model.score(volts[:, None], RATIO * volts):.6f}")

# %% Write it back: the run's folder has the deck as it was, but for the two resistances
trained = model.save("divider") / "circuit.cir"
print(trained.read_text(encoding="utf-8"))
ratio = hw.solve(trained, [[1.0]], engine="ngspice").outputs[0, 0]
print(f"ngspice finds {ratio:.4f} V of 1 V")
