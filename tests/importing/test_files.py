"""Files of trained networks: every format gives the same perceptron; strange layers are named; nothing in a file is run."""

from pathlib import Path

import numpy as np
import pytest

from hwsim.importing import files
from hwsim.importing.dense_perceptron import DensePerceptron
from hwsim.importing.layers import ImportingError
from support import onnx_bytes as onnx
from support import torch_bytes as torch

RNG = np.random.default_rng(0)
W = [RNG.normal(size=shape).astype(np.float32) for shape in ((3, 5), (5, 4), (4, 2))]
B = [RNG.normal(size=w.shape[1]).astype(np.float32) for w in W]
X = RNG.normal(size=(7, 3))


def expected() -> np.ndarray:
    """Return the outputs of tanh, then relu6, in NumPy."""
    h = np.tanh(X @ W[0] + B[0])
    h = np.clip(h @ W[1] + B[1], 0, 6)
    return h @ W[2] + B[2]


def state_file(path: Path) -> Path:
    """Write the state dict."""
    items = {}
    for k, (w, b) in enumerate(zip(W, B, strict=True)):
        items[f"{2 * k}.weight"] = torch.tensor(str(2 * k), w.T.shape, w.size)
        items[f"{2 * k}.bias"] = torch.tensor(str(2 * k + 1), b.shape, b.size)
    return torch.save(path, torch.table(items), [values for w, b in zip(W, B, strict=True) for values in (w.T, b)])


def linear(k: int) -> bytes:
    """Write a Linear layer, whose weights lie column by column in storage 2k, and biases in 2k + 1."""
    w, b = W[k], B[k]
    weight = torch.tensor(str(2 * k), w.T.shape, w.size, strides=(1, w.shape[1]))
    return torch.module("linear:Linear", _parameters=torch.table({"weight": weight, "bias": torch.tensor(str(2 * k + 1), b.shape, b.size)}))


def module_file(path: Path, first: bytes | None = None) -> Path:
    """Write a Sequential with another one inside, an activation of which is `first` instead of Tanh."""
    inner = {"0": linear(1), "1": torch.module("activation:ReLU6", _modules=torch.ORDERED)}
    layers = {
        "0": torch.module("flatten:Flatten", start_dim=torch.whole(1), end_dim=torch.whole(-1)),
        "1": linear(0),
        "2": first or torch.module("activation:Tanh", _modules=torch.ORDERED),
        "3": torch.module("container:Sequential", _modules=torch.table(inner)),
        "4": linear(2),
        "5": torch.module("activation:Softmax", dim=torch.whole(1)),
    }
    pickled = torch.module("container:Sequential", _modules=torch.table(layers))
    return torch.save(path, pickled, [values for w, b in zip(W, B, strict=True) for values in (w, b)])


def onnx_file(path: Path, third: str = "Tanh") -> Path:
    """Write a chain of Gemm with transposed weights, MatMul and Add, Clip, and a softmax."""
    nodes = [
        onnx.node("Gemm", ["x", "w0", "b0"], "z0", transB=1, alpha=1.0),
        onnx.node(third, ["z0"], "h0"),
        onnx.node("MatMul", ["h0", "w1"], "m1"),
        onnx.node("Add", ["b1", "m1"], "z1"),
        onnx.node("Clip", ["z1", "low", "high"], "h1"),
        onnx.node("Gemm", ["h1", "w2", "b2"], "z2"),
        onnx.node("Softmax", ["z2"], "y"),
    ]
    tensors = {"w0": W[0].T, "b0": B[0], "w1": W[1], "b1": B[1], "w2": W[2], "b2": B[2], "low": 0.0, "high": 6.0}
    path.write_bytes(onnx.model(nodes, tensors, "y"))
    return path


def test_every_format_gives_the_same_perceptron(tmp_path: Path) -> None:
    """The one that NumPy computes; activations come from the file, or are named for weights alone."""
    named = ("tanh", "relu6")
    arrays = {f"w{k}": w for k, w in enumerate(W, start=1)} | {f"b{k}": b for k, b in enumerate(B, start=1)}
    np.savez(tmp_path / "own.npz", activations=np.array(named), **arrays)
    np.savez(tmp_path / "state.npz", **{f"{k}.weight": w.T for k, w in enumerate(W)}, **{f"{k}.bias": b for k, b in enumerate(B)})
    read = [
        files.read(tmp_path / "own.npz"),
        files.read(tmp_path / "state.npz", named),
        files.read(state_file(tmp_path / "state.pt"), named),
        files.read(module_file(tmp_path / "module.pth")),
        files.read(onnx_file(tmp_path / "model.onnx")),
    ]
    for one in read:
        assert isinstance(one, DensePerceptron)
        assert one.sizes == (3, 5, 4, 2)
        np.testing.assert_allclose(one.outputs(X), expected(), rtol=0, atol=1e-12)


def test_strange_layers_are_named(tmp_path: Path) -> None:
    """All of them, in one line."""
    norm = torch.module("batchnorm:BatchNorm1d", _modules=torch.ORDERED)
    with pytest.raises(ImportingError, match=r"module.pt: no circuit for layer 2 \(BatchNorm1d\); hwsim imports perceptrons of Linear"):
        files.read(module_file(tmp_path / "module.pt", norm))
    with pytest.raises(ImportingError, match=r"model.onnx: no circuit for layer /h0 \(Erf\)"):
        files.read(onnx_file(tmp_path / "model.onnx", "Erf"))
    np.savez(tmp_path / "conv.npz", **{"a.weight": np.ones((2, 3, 3)), "a.bias": np.ones(2), "b.running_mean": np.ones(2)})
    with pytest.raises(ImportingError, match=r"layers a \(weights of shape .*\), b.running_mean \(an array of no dense layer\)"):
        files.read(tmp_path / "conv.npz")


@pytest.mark.parametrize(
    ("pickled", "named"),
    [
        (b"cos\nsystem\n(" + torch.text("touch hacked") + b"tR", "os.system"),
        (b"cbuiltins\neval\n(" + torch.text("1") + b"tR", "builtins.eval"),
        (b"ctorch.nn.modules.linear\nos.system\n(" + torch.text("touch hacked") + b"tR", "torch.nn.modules.linear.os.system"),
        (b"c__main__\nNet\n)\x81", "__main__.Net"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n(" + torch.whole(1) * 4 + b"tR", "damaged"),
        (torch.tensor("0", (2, 3), 4), "reaches beyond its 4 numbers"),
        (torch.tensor("0", (2, 2), 4, strides=(1, 4)), "reaches beyond its 4 numbers"),
        (torch.tensor("../0", (2, 2), 4), "damaged"),
        (b"(" * 100_000, "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_hostile_pickles_are_refused(pickled: bytes, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, and nothing that they name is imported or run."""
    monkeypatch.chdir(tmp_path)
    path = torch.save(tmp_path / "bad.pt", pickled, [np.ones(4)])
    with pytest.raises(ImportingError, match=named) as raised:
        files.read(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "hacked").exists()


def test_a_pickle_changes_no_class_of_ours(tmp_path: Path) -> None:
    """Attributes that it sets on a layer's class are gone with the file."""
    attack = b"ctorch.nn.modules.linear\nLinear\n(N}(" + torch.text("__setstate__") + b"ccollections\nOrderedDict\nutb"
    with pytest.raises(ImportingError):
        files.read(torch.save(tmp_path / "bad.pt", attack, []))
    assert files.read(module_file(tmp_path / "good.pt")).sizes == (3, 5, 4, 2)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    """Whatever is cut off or flipped: a line about the file, or the numbers of another perceptron, never anything else."""
    content = onnx_file(tmp_path / "whole.onnx").read_bytes()
    path = tmp_path / "bad.onnx"
    refusals = []
    for k in range(0, len(content), 7):
        for changed in (content[:k], content[:k] + bytes([content[k] ^ 0x55]) + content[k + 1 :]):
            path.write_bytes(changed)
            try:
                files.read(path)
            except ImportingError as error:
                refusals.append(str(error))
    assert len(refusals) > len(content) / 7
    assert all(one.startswith(f"{path}: ") for one in refusals)


@pytest.mark.parametrize(
    ("arrays", "named", "message"),
    [
        ({"w1": np.ones((2, 3)), "w2": np.ones((3, 1))}, (), "has weights of 2 layers and no activations; name one"),
        ({"w1": np.ones((2, 3)), "w2": np.ones((4, 1))}, ("tanh",), "layer w2 takes 4 inputs, and the layer before has 3 outputs"),
        ({"w1": np.ones((2, 3)), "b1": np.ones(2)}, (), "shape .* no dense layer's"),
        ({"w1": np.full((2, 3), np.nan)}, (), "its weights are not all finite numbers"),
        ({"w1": np.array([["a"]])}, (), "its weights are not all finite numbers"),
        ({"w1": np.ones((2, 3)), "w2": np.ones((3, 1))}, ("gelu",), "activation gelu has no circuit; there are relu, tanh"),
        ({"w1": np.ones((2, 3)), "activations": np.ones(1)}, (), "activations holds float64, not texts"),
        ({}, (), "has no dense layer"),
    ],
)
def test_arrays_that_make_no_perceptron(arrays: dict[str, np.ndarray], named: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """The message names the file, the layer and the remedy."""
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ImportingError, match=message):
        files.read(tmp_path / "bad.npz", named)


def test_other_files_are_no_networks(tmp_path: Path) -> None:
    """A suffix that none has, a missing file, an .npz that is called .pt, a pickle without its archive."""
    with pytest.raises(ImportingError, match=r"hwsim imports .pt, .pth, .onnx, .npz"):
        files.read(tmp_path / "model.h5")
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path / "model.pt")
    np.savez(tmp_path / "arrays.npz", w1=np.ones((2, 2)))
    with pytest.raises(ImportingError, match=r"no file of torch.save"):
        files.read((tmp_path / "arrays.npz").rename(tmp_path / "arrays.pt"))
    (tmp_path / "old.pt").write_bytes(b"\x80\x02N.")
    with pytest.raises(ImportingError, match=r"no file of torch.save, version 1.6 or later"):
        files.read(tmp_path / "old.pt")
    with pytest.raises(ImportingError, match="names its own activations; omit yours"):
        files.read(onnx_file(tmp_path / "model.onnx"), ("tanh",))
