"""Node groups: names, numbers and who owns a node."""

import pytest

from circuits.builder import Builder
from circuits.nodes import GROUND, NodeGroup, node_names


def test_a_row_of_nodes_is_named_by_place() -> None:
    """A group of three names its nodes h_0, h_1, h_2 and numbers them in a run."""
    group = NodeGroup("h", 3, 5)
    assert group.names == ["h_0", "h_1", "h_2"]
    assert group.nodes.tolist() == [5, 6, 7]
    assert len(group) == 3


def test_a_lone_node_bears_the_name_of_its_group() -> None:
    """A group without a size is one node, named as the group."""
    group = NodeGroup("bias", None, 4)
    assert group.names == ["bias"]
    assert group.nodes.tolist() == [4]
    assert len(group) == 1


@pytest.mark.parametrize("sizes", [(1,), (3, None, 2), (None, None, 7)])
def test_the_builder_numbers_nodes_from_1_without_gaps(sizes: tuple[int | None, ...]) -> None:
    """Groups follow each other without gaps, and node 0 stays ground."""
    builder = Builder()
    numbers = [n for k, size in enumerate(sizes) for n in builder.group(f"g{k}", size).tolist()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert GROUND.tolist() == [0]


def test_names_by_number_begin_with_ground() -> None:
    """The list of names is indexed by node number; ground is "0"."""
    assert node_names([NodeGroup("x", 2, 1), NodeGroup("bias", None, 3)]) == ["0", "x_0", "x_1", "bias"]
