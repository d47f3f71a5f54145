"""Train a circuit on 150 flowers, test it, and write it as a deck."""

# %% Four features, ten hidden columns with a diode pair and an amplifier each, three species
import hwsim as hw

x, y = hw.dataset("iris")
net = hw.Network(inputs=4, layers=[hw.Layer(10, amplifier=hw.Amplifier())], outputs=3)

# %% Train on every other flower, and test on the others
model = hw.fit(net, x[::2], y[::2], epochs=20, seed=0)
score = model.score(x[1::2], y[1::2])
print(f"{score:.1%} of the other flowers are recognised")

# %% The trained circuit, for `ngspice iris.cir`
model.to_spice("iris.cir")
