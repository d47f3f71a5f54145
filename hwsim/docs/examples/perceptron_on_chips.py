"""Import a perceptron of scikit-learn as a circuit, and fine-tune it on ten chips, each with faults of its own."""

# %% A perceptron that recognises flowers
import numpy as np
from sklearn.neural_network import MLPClassifier

import hwsim as hw

CHIPS, EPOCHS = 10, 30
SPREADS = {"variation.stuck": 0.05}

x, y = hw.dataset("iris")
train, test = (x[::2], y[::2]), (x[1::2], y[1::2])
perceptron = MLPClassifier((8,), activation="tanh", solver="lbfgs", random_state=0).fit(*train)

# %% The circuit that it becomes
model = hw.from_sklearn(perceptron, *train, test=test)
print(f"perceptron {perceptron.score(*test):.1%}, circuit {model.score(*test):.1%} right")

# %% On each chip, as the weights are written into it, and after a few epochs of training there
chips = [model.on_chip(number, SPREADS) for number in range(CHIPS)]
written = np.mean([chip.score(*test) for chip in chips])
tuned = np.mean([chip.fine_tuned(EPOCHS).score(*test) for chip in chips])
print(f"on {CHIPS} chips {written:.1%}, fine-tuned {tuned:.1%} right")
