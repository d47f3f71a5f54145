"""Which test files watch over which file: quick ones, the likeliest to notice a fault first."""

_LAYERED = ("numeric/test_neurons", "numeric/test_settling", "laws/test_physics", "learning/test_gradients")
_PORTS = ("numeric/test_irregular", "numeric/test_ports")
_TRAINING = ("learning/test_trainer", "learning/test_skipping")

_WATCHERS = {
    "hwsim/numeric/chips": ("learning/test_fleet", "torture/test_numeric_torture"),
    "hwsim/numeric/direct": _LAYERED,
    "hwsim/numeric/engine": (*_LAYERED, "numeric/test_irregular"),
    "hwsim/numeric/fixed": ("laws/test_physics", "laws/test_engines"),
    "hwsim/numeric/grids": ("numeric/test_grids",),
    "hwsim/numeric/injected": ("hwsim/test_instruments",),
    "hwsim/numeric/linear": ("numeric/test_grids", *_PORTS),
    "hwsim/numeric/parameters": ("laws/test_physics", "laws/test_engines"),
    "hwsim/numeric/port_newton": _PORTS,
    "hwsim/numeric/ports": _PORTS,
    "hwsim/numeric/stack": ("learning/test_fleet",),
    "hwsim/numeric/structure": ("numeric/test_irregular", "laws/test_physics", "laws/test_engines"),
    "hwsim/numeric/traced": (*_LAYERED, "learning/test_trainer"),
    "hwsim/numeric/walk": _LAYERED,
    "hwsim/numeric/wired": ("numeric/test_grids", "circuits/test_wires"),
    "hwsim/numeric": _LAYERED,
    "hwsim/learning/drops": ("learning/test_drops", "learning/test_gradients"),
    "hwsim/learning/factors": ("learning/test_gradients", "numeric/test_irregular"),
    "hwsim/learning/losses": ("learning/test_losses", "learning/test_gradients"),
    "hwsim/learning/many": ("learning/test_fleet",),
    "hwsim/learning/optimizers": ("learning/test_optimizers", *_TRAINING),
    "hwsim/learning/rules": ("learning/test_gradients", "learning/test_skipping"),
    "hwsim/learning/shifts": ("learning/test_shifts",),
    "hwsim/learning/side_by_side": ("learning/test_fleet",),
    "hwsim/learning": _TRAINING,
}


def watchers(file: str) -> list[str]:
    """Give the test files that watch over a file."""
    key = file.removesuffix(".py")
    return [f"tests/{name}.py" for name in _WATCHERS.get(key) or _WATCHERS[key.rpartition("/")[0]]]
