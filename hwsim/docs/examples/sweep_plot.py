"""Sweep the share of stuck memristors over several chips, and plot the error with its interval."""

# %% A circuit that is trained on a chip without faults
import matplotlib.pyplot as plt

import hwsim as hw

CHIPS = 8
STUCK = [0, 0.02, 0.05, 0.1]

x, y = hw.dataset("iris")
net = hw.Network(inputs=4, layers=[hw.Layer(10, amplifier=hw.Amplifier())], outputs=3)
model = hw.fit(net, x[::2], y[::2], test=(x[1::2], y[1::2]), epochs=20, seed=0)

# %% Its conductances, written into chips with more and more memristors that are stuck; errors are those of the test set
table = model.sweep({"variation.stuck": STUCK}, chips=CHIPS)
error, low, high = (table.points[name] for name in ("mean", "low", "high"))

# %% The mean over the chips, and its 95 % interval
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
axes.fill_between(STUCK, low, high, alpha=0.3)
axes.plot(STUCK, error, marker="o")
axes.set(xlabel="share of stuck memristors", ylabel="error")
figure.savefig("stuck.png", dpi=150)
print(f"error without faults {error[0]:.1%}, with {STUCK[-1]:.0%} stuck {error[-1]:.1%}")
