"""Reads the layers out of a circuit: which crossbar follows which, and what hangs on its columns."""

import numpy as np

from circuits.arrays import Divisible
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, Capacitors, Diodes, IdealDiodes, InputSources, Nudges, Resistors, VoltageSources
from circuits.nodes import Nodes
from circuits.operators import Operators
from circuits.rows import RowRun, held_nodes, row_runs
from circuits.shared_load import SharedLoad
from hwsim.core import blocks
from hwsim.core.protocol import UnsupportedCircuitError
from hwsim.numeric.layered.stage import Bridges, Feed, Indices, Junctions, Loads, Stage


def _unsupported(circuit: Circuit, what: str) -> UnsupportedCircuitError:
    return UnsupportedCircuitError(f"{circuit.name}: {what}: it is not layered")


def stages(circuit: Circuit) -> list[Stage]:
    """List the circuit's stages in order, the outputs' last.

    Raises
    ------
    UnsupportedCircuitError
        When the circuit is not a chain of crossbars with neurons and amplifiers between them.

    """
    kinds = (Divisible, Diodes, IdealDiodes, VoltageSources, InputSources, Amplifiers, Nudges, Capacitors, Resistors, SharedLoad)
    for element in circuit.elements:
        if not isinstance(element, kinds):
            raise _unsupported(circuit, f"{element.name} is an array of {type(element).__name__} outside of a layered network")
    for source in circuit.voltage_sources:
        if source.minus.any():
            raise _unsupported(circuit, f"{source.name} holds a voltage between two nodes")
    chain: list[Stage] = []
    left = [array for array in circuit.of(Operators) if not isinstance(array, SharedLoad)]
    if not left:
        raise _unsupported(circuit, "it has no crossbars")
    while left:
        rows = chain[-1].rows if chain else None
        following = [crossbar for crossbar in left if _follows(circuit, crossbar, rows)]
        if len(following) != 1:
            names = ", ".join(crossbar.name for crossbar in left)
            raise _unsupported(circuit, f"crossbars {names} do not follow one another in a chain of layers")
        crossbar = following[0]
        left.remove(crossbar)
        stage = Stage(crossbar.name, crossbar.columns, *_rows(circuit, crossbar, rows))
        _add_neurons(circuit, stage)
        _add_loads(circuit, stage)
        _add_bridges(circuit, stage)
        _add_amplifier(circuit, stage)
        chain.append(stage)
    _check_complete(circuit, chain)
    return chain


def _follows(circuit: Circuit, crossbar: Operators, rows: Nodes | None) -> bool:
    free = set(crossbar.rows.tolist()) - held_nodes(circuit).keys()
    return not free if rows is None else sorted(free) == sorted(rows.tolist())


def _rows(
    circuit: Circuit, crossbar: Operators, signal_rows: Nodes | None
) -> tuple[Feed[Operators] | None, list[RowRun], list[Feed[Divisible]]]:
    """Split a crossbar's rows into those of the stage before and runs that sources hold, with the feed of each."""
    runs = row_runs(circuit, crossbar)
    fixed = [run for run in runs if run.source is not None]
    signal = [run for run in runs if run.source is None]
    if signal_rows is not None and (len(signal) != 1 or not np.array_equal(signal[0].nodes, signal_rows)):
        raise _unsupported(circuit, f"the rows of {crossbar.name} are not in the order of the columns before")
    if not isinstance(crossbar, Divisible):
        if fixed:
            raise _unsupported(circuit, f"sources drive rows of {crossbar.name}, which is not divided into runs of rows")
        return Feed(crossbar, ""), [], []
    feeds, of_signal = ([Feed(crossbar.part(run.span), blocks.name(crossbar.name, run.of_g)) for run in some] for some in (fixed, signal))
    return (of_signal[0] if signal_rows is not None else None), fixed, feeds


def _add_neurons(circuit: Circuit, stage: Stage) -> None:
    for diodes in circuit.of(Diodes, IdealDiodes):
        for near, far, junctions in ((diodes.anode, diodes.cathode, stage.high), (diodes.cathode, diodes.anode, stage.low)):
            if np.isin(near, stage.columns).all():
                kind, junction = _junctions(circuit, stage, diodes, near, far)
                if stage.kind not in {"linear", kind}:
                    raise _unsupported(circuit, f"the columns of {stage.crossbar} carry both {stage.kind} and {kind}")
                stage.kind = kind
                junctions.append(junction)
    for junctions in (stage.high, stage.low):
        columns = np.concatenate([j.columns for j in junctions]) if junctions else np.zeros(0, dtype=np.intp)
        if len(set(columns.tolist())) != len(columns):
            raise _unsupported(circuit, f"a column of {stage.crossbar} carries two diodes of one direction")


def _lone_resistors(circuit: Circuit) -> list[Resistors]:
    """List the fixed resistors that are no stage of their own."""
    return [resistors for resistors in circuit.of(Resistors) if not isinstance(resistors, Operators)]


def _add_loads(circuit: Circuit, stage: Stage) -> None:
    """Take up the learned loads, and the fixed resistors between columns and what is fixed."""
    stage.learned_loads += [Feed(load, load.name) for load in circuit.of(SharedLoad) if np.array_equal(load.rows, stage.columns)]
    sources = held_nodes(circuit)
    for resistors in _lone_resistors(circuit):
        for near, far in ((resistors.a, resistors.b), (resistors.b, resistors.a)):
            ends: dict[str | None, list[int]] = {}
            for k in np.flatnonzero(np.isin(near, stage.columns)).tolist():
                source = sources[int(far[k])][0] if int(far[k]) in sources else None
                if isinstance(source, VoltageSources) or far[k] == 0:
                    ends.setdefault(source.name if source else None, []).append(k)
            for rail, some in ends.items():
                places = np.array(some, dtype=np.intp)
                rails = np.array([sources[int(node)][1] if rail else 0 for node in far[places]], dtype=np.intp)
                stage.loads.append(Loads(resistors.name, places, _positions(stage.columns, near[places]), rail, rails))


def _add_bridges(circuit: Circuit, stage: Stage) -> None:
    """Take up the fixed resistors between columns and the nodes behind their dead zones."""
    if stage.behind is None:
        return
    for resistors in _lone_resistors(circuit):
        for near, far in ((resistors.a, resistors.b), (resistors.b, resistors.a)):
            places = np.flatnonzero(np.isin(near, stage.columns))
            columns = _positions(stage.columns, near[places])
            bridged = far[places] == stage.behind[columns]
            if bridged.any():
                stage.bridges.append(Bridges(resistors.name, places[bridged], columns[bridged]))


def _junctions(circuit: Circuit, stage: Stage, diodes: Diodes | IdealDiodes, near: Nodes, far: Nodes) -> tuple[str, Junctions]:
    """Add diodes between columns (`near`) and other nodes (`far`) to the stage's description."""
    sources = held_nodes(circuit)
    columns = _positions(stage.columns, near)
    if any(isinstance(sources[int(node)][0], InputSources) for node in far if int(node) in sources):
        raise _unsupported(circuit, f"the diodes {diodes.name} end on an input")
    if all(int(node) == 0 or int(node) in sources for node in far):
        names = {sources[int(node)][0].name if node else None for node in far}
        if len(names) > 1:
            raise _unsupported(circuit, f"the diodes {diodes.name} end on several arrays of sources")
        places = np.array([sources[int(node)][1] if node else 0 for node in far], dtype=np.intp)
        return "ideal" if isinstance(diodes, IdealDiodes) else "diodes", Junctions(diodes.name, columns, names.pop(), places)
    if isinstance(diodes, IdealDiodes) or len(near) != stage.size:
        raise _unsupported(circuit, f"{diodes.name} are in series with some columns of {stage.crossbar} only, or ideal")
    behind = np.empty_like(stage.columns)
    behind[columns] = far
    if stage.behind is not None and not np.array_equal(stage.behind, behind):
        raise _unsupported(circuit, f"the diodes {diodes.name} lead to other nodes than those next to them")
    stage.behind = behind
    return "dead-zone", Junctions(diodes.name, columns, None, np.zeros(0, dtype=np.intp))


def _positions(columns: Nodes, nodes: Nodes) -> Indices:
    order = np.argsort(columns)
    return order[np.searchsorted(columns, nodes, sorter=order)]


def _add_amplifier(circuit: Circuit, stage: Stage) -> None:
    stage.rows = stage.drivers
    for amplifiers in circuit.of(Amplifiers):
        if np.array_equal(amplifiers.input, stage.drivers):
            stage.amplifier, stage.rows = amplifiers.name, amplifiers.output
            return


def _check_complete(circuit: Circuit, chain: list[Stage]) -> None:
    """Refuse what no stage has taken up."""
    used = {stage.amplifier for stage in chain} | {j.diodes for stage in chain for j in (*stage.high, *stage.low)}
    for element in circuit.of(Diodes, IdealDiodes, Amplifiers):
        if element.name not in used:
            raise _unsupported(circuit, f"{element.name} is not between the layers of a chain")
    taken = [feed.block for stage in chain for feed in stage.learned_loads]
    for load in circuit.of(SharedLoad):
        if load.name not in taken:
            raise _unsupported(circuit, f"{load.name} is not on all columns of a layer")
    for resistors in _lone_resistors(circuit):
        places = [load.places for stage in chain for load in stage.loads if load.resistors == resistors.name]
        places += [bridge.places for stage in chain for bridge in stage.bridges if bridge.resistors == resistors.name]
        if sum(map(len, places)) != len(resistors):
            raise _unsupported(
                circuit, f"{resistors.name} holds resistors that lead from no column to ground, a rail or behind its dead zone"
            )
    _check_nodes(circuit, chain)
    last = chain[-1]
    outputs = circuit.outputs
    if last.behind is not None or last.amplifier is not None or (last.kind != "linear" and (outputs.minus > 0).any()):
        raise _unsupported(circuit, f"the outputs of {last.crossbar} carry amplifiers, dead zones, or diodes on pairs of columns")
    ends = np.concatenate([outputs.plus, outputs.minus[outputs.minus > 0]])
    if not np.isin(ends, last.columns).all() or len(set(ends.tolist())) != len(ends):
        raise _unsupported(circuit, "an output is not a column, or not a pair of columns, of the last crossbar")
    if (outputs.minus > 0).any() and not (outputs.minus > 0).all():
        raise _unsupported(circuit, "some outputs are single-ended and some are differences")


def _check_nodes(circuit: Circuit, chain: list[Stage]) -> None:
    """Refuse nodes that belong to no stage, or twice: loops and shared columns have the form of layers too."""
    free = [stage.columns for stage in chain]
    free += [stage.behind for stage in chain if stage.behind is not None]
    free += [circuit[stage.amplifier].output for stage in chain if stage.amplifier is not None]
    times = np.bincount(np.concatenate(free), minlength=circuit.size + 1)
    times[list(held_nodes(circuit))] += 1
    times[0] += 1
    odd = np.flatnonzero(times != 1)
    if len(odd):
        raise _unsupported(circuit, f"node {circuit.node_names[odd[0]]} is in {times[odd[0]]} places of a chain of layers")
