"""The circuit as a graph: complete, connected, and of the right counts."""

from collections import Counter

import networkx as nx
from hypothesis import given

from circuits.elements import InputSources
from circuits.network import Amplifier, Layer, Network
from support.strategies import networks


@given(networks())
def test_every_element_is_an_edge(network: Network) -> None:
    """The graph of nodes has one edge a single element, and the graph of blocks counts the same ones."""
    circuit = network.compile()
    lengths = {element.name: len(element) for element in circuit.elements}
    assert Counter(e for *_, e in circuit.graph(nodes=True).edges(data="element")) == lengths
    counted: Counter[str] = Counter()
    for *_, data in circuit.graph().edges(data=True):
        counted[data["element"]] += data["count"]
    assert counted == lengths


@given(networks())
def test_both_graphs_hang_together(network: Network) -> None:
    """From every node and every block a path leads to ground, "0"."""
    circuit = network.compile()
    nodes, blocks = circuit.graph(nodes=True), circuit.graph()
    assert set(nodes) == set(circuit.node_names)
    assert set(blocks) == {"0", *(group.name for group in circuit.groups)}
    assert nx.is_connected(nodes.to_undirected())
    assert nx.is_connected(blocks.to_undirected())


@given(networks(max_layers=2))
def test_a_nodes_degree_is_its_elements(network: Network) -> None:
    """A first-layer column touches as many memristors of w1 as there are rows."""
    circuit = network.compile()
    graph = circuit.graph(nodes=True)
    w1 = circuit["w1"]
    for node in w1.columns:
        touching = [e for *_, e in graph.in_edges(circuit.node_names[node], data="element")]
        assert touching.count("w1") == len(w1.rows)


def test_edges_run_from_the_first_terminal_to_the_second() -> None:
    """A crossbar's edges run from rows to columns, an amplifier's from input to output, a source's to ground."""
    circuit = Network(inputs=2, layers=(Layer(size=3, amplifier=Amplifier()),), outputs=1, bias=False).compile()
    graph = circuit.graph()
    result = {(a, b): data["count"] for a, b, data in graph.edges(data=True) if data["element"] in {"w1", "w2", "amp1", "v_x"}}
    assert result == {("x", "h1"): 6, ("xn", "h1"): 6, ("h1", "a1"): 3, ("a1", "out"): 6, ("x", "0"): 2}
    assert {data["kind"] for _, b, data in graph.edges(data=True) if b == "0"} == {InputSources.__name__, "VoltageSources"}


def test_edges_carry_the_index_of_their_element() -> None:
    """Edge k of a crossbar is the memristor of row k // columns and column k % columns."""
    circuit = Network(inputs=2, outputs=1, bias=False).compile()
    ends = {data["index"]: (a, b) for a, b, data in circuit.graph(nodes=True).edges(data=True) if data["element"] == "w1"}
    assert ends[0] == ("x_0", "out_0")
    assert ends[3] == ("x_1", "out_1")
    assert ends[6] == ("xn_1", "out_0")
