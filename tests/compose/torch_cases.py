"""A circuit inside of a PyTorch model. `make test-torch` runs this file; PyTorch is too large for the other tests to need it."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from hwsim.compose.torch_layer import torch_layer
from hwsim.compose.torch_module import TorchLayer, _Solve
from hwsim.importing import files
from hwsim.importing.from_libraries import from_torch
from hwsim.importing.layers import ImportingError

HIDDEN = Layer(size=3, neuron=DiodePair(v_low=-0.1, v_high=0.15, i_sat=1e-7), amplifier=Amplifier(gain=4.0, back=0.5))
CIRCUIT = Network(inputs=3, layers=(HIDDEN,), outputs=2, input_scale=0.7, g_min=1e-6, g_max=2e-5).compile("inner")
X = torch.tensor(np.random.default_rng(0).uniform(-1, 1, (4, 3)))


def test_gradcheck_passes_with_the_adjoint() -> None:
    """By every conductance and feature, within PyTorch's own tolerances in 64 bits."""
    layer = torch_layer(CIRCUIT, rule="adjoint").double()
    units = [(1e5 * values).detach().requires_grad_() for values in layer.g.values()]

    def outputs(x, *g):
        return _Solve.apply(layer.layer, tuple(layer.g), x, *(1e-5 * values for values in g))

    assert torch.autograd.gradcheck(outputs, (X.clone().requires_grad_(), *units), eps=1e-5, atol=1e-6, rtol=1e-5)


def test_a_model_learns_within_bounds() -> None:
    """Linear, circuit, Linear in 32 bits: the loss falls, every parameter moves, and projected conductances stay within their bounds."""
    torch.manual_seed(0)
    layer = torch_layer(CIRCUIT, seed=1)
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Tanh(), layer, torch.nn.Linear(2, 1))
    begun = copy.deepcopy(model.state_dict())
    others = [p for name, p in model.named_parameters() if ".g." not in name]
    optimizer = torch.optim.Adam([{"params": others, "lr": 0.03}, {"params": list(layer.parameters()), "lr": 1e-6}])
    x, losses = X.float(), []
    y = (x[:, :1] * x[:, 1:2]).sign() * 0.3
    for _ in range(20):
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        layer.project_()
        losses.append(loss.item())
    assert model(x).dtype == torch.float32
    assert losses[-1] < 0.7 * losses[0]
    assert all((values != begun[name]).any() for name, values in model.state_dict().items())
    for name, (low, high) in layer.layer.bounds.items():
        g = layer.g[name].detach().double().numpy()
        assert (g >= np.float32(low)).all()
        assert (g <= np.float32(high)).all()
    again = copy.deepcopy(model)
    assert isinstance(again[2], TorchLayer)
    np.testing.assert_array_equal(again(x).detach(), model(x).detach())


def test_no_error_and_second_derivatives() -> None:
    """Cotangents of 0 give gradients of 0; a gradient of a gradient raises."""
    layer = torch_layer(CIRCUIT)
    x = X.float().requires_grad_()
    (slope,) = torch.autograd.grad((0 * layer(x)).sum(), x)
    assert (slope == 0).all()
    (slope,) = torch.autograd.grad((layer(x) ** 2).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def test_trained_modules_are_read_without_running_them(tmp_path: Path) -> None:
    """As modules, as what `torch.save` writes of them, and as their state: with PyTorch's own outputs; TorchScript is refused."""
    torch.manual_seed(0)
    inner = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU6())
    module = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(3, 5), torch.nn.Tanh(), inner, torch.nn.Linear(4, 2, bias=False)
    ).eval()
    torch.save(module, tmp_path / "module.pt")
    torch.save(module.state_dict(), tmp_path / "state.pt")
    wanted = module(X.float()).detach().numpy()
    for one in (files.read(tmp_path / "module.pt"), files.read(tmp_path / "state.pt", ("tanh", "relu6"))):
        np.testing.assert_allclose(one.outputs(X.numpy()), wanted, rtol=0, atol=1e-6)
    model = from_torch(module, X.numpy(), task="regression")
    np.testing.assert_allclose(model.predict(X.numpy()), wanted, rtol=0, atol=0.1 * np.abs(wanted).max())
    torch.jit.trace(module, X.float()).save(str(tmp_path / "script.pt"))
    with pytest.raises(ImportingError, match="it is a program"):
        files.read(tmp_path / "script.pt")


def test_strange_modules_are_named() -> None:
    """By their place and kind; a module with code of its own is not guessed at."""

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Linear(3, 2)

    with pytest.raises(ImportingError, match=r"no circuit for layers 1 \(GELU\), 2 \(LayerNorm\)"):
        from_torch(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.GELU(), torch.nn.LayerNorm(4), torch.nn.Linear(4, 2)), X.numpy())
    with pytest.raises(ImportingError, match=r"Net: the order of its layers is in its code; pass a torch.nn.Sequential"):
        from_torch(Net(), X.numpy())
