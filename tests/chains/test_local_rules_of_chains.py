"""Rules that need no way back: a load switch measures the gradient of the goodness, and each layer descends on a loss of its own."""

import json

import jax
import numpy as np
import pytest

import hwsim as hw
from cli.main import main
from hwsim.chains.feedback import AlignedFeedback, DirectFeedback
from hwsim.chains.forward_forward import ForwardForward
from hwsim.chains.local_objective import ShownLabels
from hwsim.core import blocks
from hwsim.experiment.experiment import ExperimentError, make
from hwsim.experiment.loading import to_toml
from hwsim.learning import factory
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.nudges import SwitchedLoad
from hwsim.numeric.jax_scope import jax_scope
from hwsim.session import Session

NEURON = {"kind": "diode-pair", "v_low": 0.0, "v_high": 0.2, "i_sat": 1e-6, "n": 1.0}
RMS = {"kind": "digital", "layers": [{"kind": "rms-norm", "affine": False}]}


def hidden(inputs, outputs=6, nudge=None):
    """Describe a circuit of one crossbar whose outputs carry diodes."""
    network = {"inputs": inputs, "outputs": outputs, "differential": False, "output_neuron": NEURON}
    return {"kind": "circuit", "circuit": network, "g_init": [1e-5, 4e-5], "nudge": nudge or {"kind": "volts", "u": 1e-4}}


HEAD = {"kind": "circuit", "circuit": {"inputs": 6, "outputs": 3}, "g_init": [1e-5, 4e-5], "nudge": {"kind": "volts", "u": 1e-4}}


def session_of(propagation, nudge=None, labels=3, layers=RMS):
    """Make a chain for iris of two layers and a head."""
    training = {"loss": {"kind": "cross-entropy", "v_softmax": 0.1}, "target_high": 0.1, "propagation": propagation}
    chain = [hidden(4 + labels, nudge=nudge), layers, hidden(6, nudge=nudge), RMS, HEAD]
    return Session.of(make({"name": "local", "data": {"name": "iris"}, "training": training, "blocks": chain}, "test"))


def batch(samples=5):
    """Draw inputs and targets."""
    random = np.random.default_rng(3)
    return random.uniform(-0.5, 0.5, (samples, 4)), np.eye(3)[random.integers(0, 3, samples)] * 0.1


@pytest.fixture(scope="module")
def goodness():
    """Return a circuit of single outputs with diodes, conductances, inputs and what an estimate of dΣŷ²/dg takes."""
    network = hw.Network(inputs=4, outputs=5, differential=False, output_neuron=hw.DiodePair(v_low=0.0, v_high=0.2, i_sat=1e-6, n=1.0))
    circuit, random = network.compile(), np.random.default_rng(5)
    return circuit, {"w1": random.uniform(1e-5, 4e-5, circuit["w1"].shape)}, random.uniform(-1, 1, (3, 4)), np.array([[0.5], [-1.0], [2.0]])


def of_goodness(rule, solver, given):
    """Measure the gradient of Σ weight·Σŷ²."""
    _, g, x, weight = given
    with jax_scope():
        outputs, residuals = rule.forward(solver, g, x)
        return blocks.join(rule.backward(solver, residuals, 2 * weight * outputs).dg)["w1"], outputs


def test_a_load_switch_measures_the_gradient_of_the_goodness(goodness):
    """One load is off by its size, both signs by its square; a sample counts by its weight; ngspice finds what finite differences do."""
    circuit, g, x, weight = goodness
    with hw.NumericEngine().prepare(circuit, hw.Chip.nominal(circuit)) as solver:
        exact, _ = of_goodness(Adjoint(), solver, goodness)

        def whole(step, at):
            moved = g["w1"].copy()
            moved[at] += step
            return float((weight * solver.solve({"w1": moved}, hw.Drive(x)).outputs(circuit) ** 2).sum())

        at, h = np.unravel_index(np.abs(exact).argmax(), exact.shape), 1e-8
        slope = (8 * (whole(h, at) - whole(-h, at)) - (whole(2 * h, at) - whole(-2 * h, at))) / (12 * h)
        assert abs(slope - exact[at]) <= 1e-7 * np.abs(exact).max()
        errors = {}
        for method in ("positive", "centred"):
            for kappa in (4e-6, 2e-6):
                estimate, _ = of_goodness(EquilibriumPropagation(SwitchedLoad(kappa), method), solver, goodness)
                errors[method, kappa] = np.abs(estimate - exact).max() / np.abs(exact).max()
    assert 1.8 <= errors["positive", 4e-6] / errors["positive", 2e-6] <= 2.2
    assert 3.5 <= errors["centred", 4e-6] / errors["centred", 2e-6] <= 4.5
    assert errors["centred", 2e-6] < 1e-3 < errors["positive", 2e-6] < 0.1
    with hw.NgspiceEngine().prepare(circuit, hw.Chip.nominal(circuit)) as solver:
        estimate, outputs = of_goodness(EquilibriumPropagation(SwitchedLoad(2e-6), "centred"), solver, goodness)
    assert np.abs(estimate - exact).max() <= 1e-3 * np.abs(exact).max()
    assert (outputs > 0.01).any()
    assert (outputs < 0).any()


RULES = {
    "forward-forward": ({"kind": "forward-forward"}, {"kind": "load", "kappa": 1e-7, "method": "centred"}),
    "signal-propagation": ("signal-propagation", None),
    "feedback-alignment": ("feedback-alignment", None),
    "direct-feedback-alignment": ("direct-feedback-alignment", None),
}


@pytest.mark.parametrize("kind", RULES)
def test_each_layer_descends_on_its_own_loss(kind):
    """By every array: what nudges measure is what finite differences of the layer's loss are, behind fixed errors where these are mixed."""
    propagation, nudge = RULES[kind]
    session = session_of(
        propagation, nudge, labels=0 if "alignment" in kind else 3, layers={"kind": "digital", "layers": [{"kind": "rms-norm"}]}
    )
    (x, y), rule, loss = batch(), session.rule, factory.loss(session.experiment.training)
    g = {name: np.array(values) for name, values in session.begun().items()}
    with session.solver() as solver, jax_scope():
        ours = rule.by_parameter(solver, g, x, y, loss)
        errors = rule.errors(solver, g, x, y, loss)
        for name, values in blocks.join(jax.tree.map(np.asarray, ours)).items():
            layer = next(k for k, layer in enumerate(rule.layers) if session.circuit.owners[name] in layer)
            at, h = np.unravel_index(np.abs(values).argmax(), values.shape), 1e-3 * (np.abs(g[name]).max() or 1.0)

            def rise(step, name=name, at=at, layer=layer):
                moved = g[name].copy()
                moved[at] += step
                return rule.objectives(solver, g | {name: moved}, x, y, loss, errors)[layer]

            slope = (8 * (rise(h) - rise(-h)) - (rise(2 * h) - rise(-2 * h))) / (12 * h)
            assert abs(values[at] - slope) <= 1e-4 * np.abs(values).max(), name


def test_wrong_labels_are_wrong_and_those_that_the_head_finds_likely():
    """Never the right one; in the mean by the softmax of the others."""
    right, rule = np.eye(3)[np.zeros(4000, int)], ForwardForward(5.0, 1.0, 0.1, asks_layers=False)
    answers = np.tile([0.5, 0.1, 0.0], (4000, 1))
    _, wrong = rule.others(np.zeros((4000, 2)), ShownLabels(right, answers, np.uint32(7)))
    share = wrong[:, 2:].mean(axis=0)
    assert share[0] == 0
    assert share[1] == pytest.approx(np.e / (1 + np.e), abs=0.03)


def test_random_matrices_stay_and_differ_by_layer():
    """The same at every update; the direct ones take the error at the end."""
    behind, end, exact = np.ones((2, 4)), 2 * np.ones((2, 3)), np.zeros((2, 5))
    for rule in (AlignedFeedback(1), DirectFeedback(1)):
        assert np.array_equal(rule.error(0, exact, behind, end), rule.error(0, exact, behind, end))
        assert not np.array_equal(rule.error(0, exact, behind, end), rule.error(1, exact, behind, end))
    assert np.array_equal(DirectFeedback(1).error(0, exact, behind, end), DirectFeedback(1).error(0, exact, 3 * behind, end))


@pytest.mark.parametrize("answers", ["trials", "prototypes"])
def test_layers_answer_by_what_they_say_of_each_label(answers):
    """The sum over layers of goodnesses, or of cosines, one column a class; the head is not asked."""
    kind = "forward-forward" if answers == "trials" else "signal-propagation"
    session = session_of({"kind": kind, "answers": answers})
    x, _ = batch()
    g = session.begun()
    with session.solver() as solver:
        scores, settled = session.rule.read(solver, g, x)
        assert scores.shape == (5, 3)
        assert len(settled.result) == 5
        alone = [solver.solvers[k] for k in (0, 2)]
        if answers == "trials":
            label = np.zeros((5, 3))
            label[:, 1] = 1.0
            drive, expected = np.concatenate([x, label], axis=1), 0.0
            for k, one in zip((0, 2), alone, strict=True):
                v = one.solve({f"b{k + 1}_w1": g[f"b{k + 1}_w1"]}, hw.Drive(np.asarray(drive))).outputs(session.circuit.parts[k])
                expected = expected + (v**2).sum(axis=1)
                drive = v / np.sqrt((v**2).mean(axis=1)[:, None] + 1e-8)
            assert np.allclose(scores[:, 1], expected, rtol=1e-6)


def test_a_training_reports_what_each_layer_makes_by_itself(tmp_path, capsys):
    """Its error and the goodnesses of right and wrong labels, in the summary and on the page; the rule is named."""
    session = session_of({"kind": "forward-forward", "label": 3.0}, {"kind": "load", "kappa": 1e-6})
    (tmp_path / "local.toml").write_text(to_toml(session.experiment), encoding="utf-8")
    run = tmp_path / "run"
    assert main(["train", str(tmp_path / "local.toml"), "--epochs", "1", "-o", str(run)]) == 0
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    assert summary["rule"] == "forward-forward, equilibrium-propagation, back-propagation"
    assert {"alone_b1", "right_b1", "wrong_b1", "alone_b3", "right_b3", "wrong_b3"} <= summary.keys()
    assert main(["report", str(run), "-o", str(tmp_path / "page.html")]) == 0
    assert "error by itself" in (tmp_path / "page.html").read_text(encoding="utf-8")
    capsys.readouterr()


ONE = {"kind": "circuit", "circuit": {"inputs": 7, "outputs": 3}}
REFUSED = {
    "one layer": ({"blocks": [ONE]}, "is of layers before the last, each a circuit, and there is none"),
    "no inputs for labels": ({"blocks": [hidden(4), RMS, HEAD]}, "set it to 7"),
    "a load at the head": ({"blocks": [hidden(7), RMS, HEAD | {"nudge": "load"}]}, "blocks[2].nudge.kind = 'load' is of hidden layers"),
    "one circuit": ({"circuit": {"inputs": 7, "outputs": 3}}, "is of a chain of blocks, and this is one circuit"),
    "no labels": ({"blocks": [hidden(7), RMS, HEAD], "data": {"name": "iris", "task": "reconstruction"}}, "shows labels"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_local_rule_cannot_do_is_refused(case):
    """In one line, with what to do."""
    change, message = REFUSED[case]
    with pytest.raises(ExperimentError) as error:
        make({"name": "local", "data": {"name": "iris"}, "training": {"propagation": "forward-forward"}} | change, "test")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
