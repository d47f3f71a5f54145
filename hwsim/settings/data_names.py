"""The data sets that have a name, and what is known of each before it is read."""

from circuits.maps import Maps

MEMORY_TARGETS = 100
"""Targets of the series `memory`, unless data.horizon is another number."""

BUILT_IN = {
    "xor": (2, 2),
    "iris": (4, 3),
    "wine": (13, 3),
    "breast-cancer": (30, 2),
    "digits": (64, 10),
    "mnist": (784, 10),
    "fashion-mnist": (784, 10),
    "cifar10": (3072, 10),
    "diabetes": (10, 1),
    "friedman": (10, 1),
    "linear-map": (5, 3),
    "narma10": (1, 1),
    "narma30": (1, 1),
    "mackey-glass": (1, 1),
    "lorenz": (3, 3),
    "henon": (1, 1),
    "laser": (1, 1),
    "memory": (1, MEMORY_TARGETS),
    "sines": (40, 3),
    "vowels": (348, 9),
}
"""Features of the data sets that have a name, and their classes or targets."""

IMAGES = {"digits": Maps(8, 8, 1), "mnist": Maps(28, 28, 1), "fashion-mnist": Maps(28, 28, 1), "cifar10": Maps(32, 32, 3)}
"""Those of them that are images: height, width and channels."""

SEQUENCES = {"sines": Maps(40, 1, 1), "vowels": Maps(29, 12, 1)}
"""Those that are sequences with a class each: their rows, and the channels of one."""

SERIES = {"narma10", "narma30", "mackey-glass", "lorenz", "henon", "laser", "memory"}
"""Those that are one series, with real targets at each row."""

COMPUTED = SERIES - {"laser"} | {"sines"}
"""Those of either that are drawn by data.seed."""

FORETOLD = SERIES - {"narma10", "narma30"}
"""Series whose targets are their own values, data.horizon rows away."""

REAL_TARGETS = {"diabetes", "friedman", "linear-map", *SERIES}
"""Those of them that have real targets."""
