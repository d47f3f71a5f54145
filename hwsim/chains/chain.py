"""A chain of blocks, made real: each circuit as it is by itself, and together what a trainer and a test take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import CircuitError
from circuits.quoting import quote_path
from circuits.windows import Window
from hwsim.chains.chain_chip import ChainChip
from hwsim.chains.chain_circuit import ChainCircuit
from hwsim.chains.made import OneCircuit
from hwsim.core.protocol import Solver
from hwsim.experiment.experiment import Experiment
from hwsim.files.stored_conductances import WeightsError, laid_out
from hwsim.settings.block_settings import DigitalAdam, DigitalBlock, DigitalForce, DigitalSgd
from hwsim.settings.circuit_block import CircuitBlock
from hwsim.settings.sections import Precision
from hwsim.settings.variation_settings import VariationSettings
from hwsim.typing import Floats, Weights

if TYPE_CHECKING:
    from hwsim.chains.chain_rule import ChainRule
    from hwsim.chains.circuit_part import Converters
    from hwsim.chains.crossbar_devices import CrossbarDevices
    from hwsim.devices.programming.programming import Programming
    from hwsim.learning.dataset import Dataset
    from hwsim.learning.optimizers import Optimizer
    from hwsim.learning.setup import Setup
    from hwsim.learning.task import Task
    from hwsim.learning.trainer import Trainer
    from hwsim.reservoir.loop import ClosedLoop

_HEADROOM = 4.0
"""Largest weight of a crossbar that descends by its gradient, in standard deviations of the targets by those of the inputs."""


@dataclass(frozen=True)
class Chain:
    """A chain of blocks.

    Parameters
    ----------
    experiment
        What determines all of it.
    circuit
        The compiled blocks.

    """

    experiment: Experiment
    circuit: ChainCircuit

    @property
    def blocks(self) -> tuple[DigitalBlock | CircuitBlock, ...]:
        """The settings of the blocks."""
        return self.experiment.blocks or ()

    @cached_property
    def shown(self) -> Weights | None:
        """What another training left: conductances [S] and digital parameters.

        Raises
        ------
        WeightsError
            When they do not fit.

        """
        if self.experiment.training.start is None:
            return None
        try:
            return laid_out(self.experiment.shown or {}, self.circuit)
        except CircuitError as error:
            msg = f"training.start = {quote_path(self.experiment.training.start)}: {error}; name what was learned by such a chain"
            raise WeightsError(msg) from None

    @cached_property
    def circuits(self) -> dict[int, OneCircuit]:
        """The circuit blocks, by their numbers from 0 on, each as an experiment of its own."""
        return {k: self._one(k, circuit) for k, circuit in self.circuit.circuits}

    @cached_property
    def crossbars(self) -> "dict[int, CrossbarDevices]":
        """The devices of dense layers that are crossbars, by the numbers of their blocks."""
        from hwsim.chains.crossbar_devices import CrossbarDevices  # noqa: PLC0415 - devices load only for those who have some

        return {k: CrossbarDevices.of(part, self.experiment) for k, part in self.circuit.crossbars}

    def _one(self, k: int, circuit: Any) -> OneCircuit:
        block: Any = self.blocks[k]
        settings = {
            "circuit": block.circuit,
            "blocks": None,
            "device": block.device or self.experiment.device,
            "training": block.training(self.experiment.training),
        }
        names = {element.name for element in circuit.trainable}
        given = None if self.shown is None else {name: values for name, values in self.shown.items() if name in names}
        return OneCircuit(self.experiment.model_copy(update=settings), circuit, given)

    def window(self, k: int) -> Window:
        """Return the window through which circuit block k sees what comes in; one position that sees all where it has none."""
        block: Any = self.blocks[k]
        window: Window = block.moving(self.circuit.ends[k][0])
        return window

    def _each(self, of: Mapping[int, Any]) -> tuple[Any, ...]:
        """Lay out what circuits have, one a block; digital ones have None."""
        return tuple(of.get(k) for k in range(len(self.blocks)))

    @cached_property
    def chip(self) -> ChainChip:
        """The chips of all circuits."""
        each: dict[int, OneCircuit] = {**self.circuits, **self.crossbars}
        return ChainChip.of_blocks(self.circuit, self._each({k: one.chip for k, one in each.items()}))

    def alike(self, *, learning: bool) -> bool:
        """Whether all chips of the experiment are one."""
        return all(one.alike(learning=learning) for one in [*self.circuits.values(), *self.crossbars.values()])

    def driven(self, data: "Dataset", variation: VariationSettings) -> "Dataset":
        """Return data as the inputs' converters drive them, where the first block is a circuit."""
        first = self.circuits.get(0) or self.crossbars.get(0)
        return data if first is None else first.driven(data, variation)

    @property
    def initial_cut(self) -> str:
        """Which initial conductances the circuits' devices cannot have, in a line."""
        return "; ".join(filter(None, (one.initial_cut for one in self.circuits.values())))

    def solver(self, precision: Precision) -> Solver:
        """Prepare the experiment's engine for each circuit on its chip."""
        return self._solvers({k: one.solver(precision) for k, one in self.circuits.items()})

    def verified_solver(self) -> Solver:
        """Prepare solvers in 64 bits that verify every equilibrium."""
        return self._solvers({k: one.verified_solver() for k, one in self.circuits.items()})

    def _solvers(self, each: Mapping[int, Solver]) -> Solver:
        from hwsim.chains.chain_solver import ChainSolver  # noqa: PLC0415 - digital layers load only for those who compute them

        solver: Any = ChainSolver(self.circuit, self._each(each))  # all of a solver that is asked of a chain
        return solver  # type: ignore[no-any-return]

    @cached_property
    def rule(self) -> "ChainRule":
        """The learning rule of the chain, and what reads voltages."""
        from hwsim.chains.circuit_part import CircuitPart  # noqa: PLC0415 - as above
        from hwsim.chains.kernel_part import KernelPart  # noqa: PLC0415 - as above
        from hwsim.chains.propagation import propagated  # noqa: PLC0415 - as above

        parts: list[Any] = list(self.circuit.parts)
        for k, one in self.circuits.items():
            names = tuple(element.name for element in one.circuit.trainable)
            part = CircuitPart(k, names, one.rule, self._converters(one) if k else None)  # type: ignore[arg-type] # estimators alone
            parts[k] = KernelPart(part, self.window(k)) if self.window(k).positions > 1 else part
        for k, one in self.crossbars.items():
            offset = tuple(np.broadcast_to(one.chip(one.circuit.outputs.name, "offset"), len(one.circuit.outputs)).tolist())
            parts[k] = replace(parts[k], instruments=one.instruments, offset=offset)
        rule = propagated(self.experiment.training, tuple(parts), len(self.circuit.outputs))
        return replace(rule, skipping=self.experiment.training.skip_failed)

    def _converters(self, one: OneCircuit) -> "Converters | None":
        """Return what drives a circuit behind another block; features are converted before they come."""
        from hwsim.chains.circuit_part import Converters  # noqa: PLC0415 - as above

        bits, full_scale = self.experiment.variation.dac_bits, self.experiment.variation.dac_full_scale
        (network,) = one.experiment.networks
        scale = abs(network.input_scale)
        return None if bits is None or full_scale is None else Converters(bits, full_scale, scale)

    @property
    def reading(self) -> "ChainRule":
        """What reads the outputs."""
        return self.rule

    def by_layer(self, solver: Solver, g: Weights, x: Floats, y: Floats) -> dict[str, float]:
        """Return what each layer that learns for itself makes of samples x (B, I) with targets y (B, K); empty where there is none."""
        return self.rule.by_layer(solver, g, x, y)

    def programming(self, precision: Precision) -> "Programming":
        """Return the way in which conductances and digital parameters are changed."""
        from hwsim.devices.programming.grouped_programming import GroupedProgramming  # noqa: PLC0415 - as above
        from hwsim.devices.programming.programming import Ideal  # noqa: PLC0415 - as above

        groups: list[Any] = [(tuple(e.name for e in one.circuit.trainable), one.programming(precision)) for one in self.circuits.values()]
        for k, part in self.circuit.digital:
            crossbar = self.crossbars.get(k)
            groups += [] if crossbar is None else [((crossbar.part.g,), crossbar.pairs(precision))]
            groups.append((part.names if crossbar is None else (crossbar.part.unit,), Ideal()))
        return GroupedProgramming(tuple(groups))

    def setup(self, solver: Solver) -> "Setup":
        """Return how the chain learns, on solvers of it."""
        from hwsim.chains.grouped import GroupedOptimizer  # noqa: PLC0415 - as above
        from hwsim.learning import factory  # noqa: PLC0415 - learning loads only for those who train
        from hwsim.learning.setup import Setup  # noqa: PLC0415 - as above
        from hwsim.learning.step import Updater  # noqa: PLC0415 - as above

        training, setups = self.experiment.training, {k: one.setup(solver.solvers[k]) for k, one in self.circuits.items()}  # type: ignore[attr-defined] # its own
        optimizers: list[tuple[tuple[str, ...], Optimizer]] = []
        rates: dict[str, float] = {}
        for setup in setups.values():
            names = tuple(setup.rates)
            optimizers.append((names, setup.updater.optimizer))
            rates |= dict(setup.rates)
        for k, part in self.circuit.digital:
            optimizers += self._digital(k)
            how = part.settings.optimizer
            rates |= dict.fromkeys(part.names, how.rate if isinstance(how, DigitalAdam | DigitalSgd) else 0.0)
        updater = Updater(
            self.rule,
            factory.loss(training),
            GroupedOptimizer(tuple(optimizers)),
            self.programming(training.precision),
            training.skip_failed,
        )
        return Setup(updater, self.reading, rates, self.starting(), self.experiment.variation.chip)

    def trainer(self, data: "Dataset", solver: Solver, task: "Task", loop: "Callable[[], ClosedLoop] | None" = None) -> "Trainer":
        """Return what trains the chain on data: what solves its one layer, in a loop or without, or what descends by its gradient."""
        from hwsim.chains.least_squares import ForceTrainer, LeastSquaresTrainer  # noqa: PLC0415 - learning loads only for those who train
        from hwsim.learning.trainer import Trainer  # noqa: PLC0415 - as above

        parts: Any = (self.experiment.training, data, solver)
        named: Any = {"task": task, "setup": self.setup(solver)}
        last = self.blocks[-1]
        how = last.least_squares if isinstance(last, DigitalBlock) else None
        if how is None:
            return Trainer(*parts, **named | {"setup": self._scaled(named["setup"], data, task)})
        layer: Any = self.crossbars.get(0) or self.circuit.parts[0]
        if isinstance(how, DigitalForce):
            return ForceTrainer(how, layer, loop, *parts, **named)
        return LeastSquaresTrainer(how, layer, *parts, **named)

    def _scaled(self, setup: "Setup", data: "Dataset", task: "Task") -> "Setup":
        """Return a setup in which the unit of a crossbar that descends by its gradient fits the spreads of its inputs and targets."""
        if self.shown is not None or not self.crossbars:
            return setup
        spread = float(np.sqrt(np.square(data.x_train - data.x_train.mean(axis=0)).mean())) or 1.0
        y = np.asarray(task.train.of(slice(None)), dtype=np.float64)
        largest = _HEADROOM * (float(y.std()) or 1.0) / spread
        return setup._replace(
            start={**setup.start, **{name: of for one in self.crossbars.values() for name, of in one.blank(largest).items()}}
        )

    def _digital(self, k: int) -> list[Any]:
        """Return the groups of a digital block's parameters, each with what makes their steps."""
        from hwsim.chains.digital_optimizers import Averages, DigitalOptimizer, PairedOptimizer  # noqa: PLC0415 - as above

        part: Any = self.circuit.parts[k]
        if (crossbar := self.crossbars.get(k)) is not None:
            return [(part.names, PairedOptimizer(part.settings.optimizer, crossbar.part.g, crossbar.part.unit))]
        learned = tuple(name for name in part.names if name not in part.running)
        groups = [(learned, DigitalOptimizer(part.settings.optimizer)), (tuple(sorted(part.running)), Averages())]
        return [group for group in groups if group[0]]

    def starting(self) -> dict[str, Floats]:
        """Return what training is to start from: conductances at the chips' temperature [S], and digital parameters."""
        begun: dict[str, Floats] = {}
        for one in self.circuits.values():
            begun |= one.starting()
        for k, part in self.circuit.digital:
            crossbar = self.crossbars.get(k)
            drawn = part.starting(self.experiment.training.seed) if crossbar is None else crossbar.blank()
            begun |= drawn if self.shown is None else {name: self.shown[name] for name in drawn}
        return begun

    def begun(self, g: Weights, precision: Precision) -> dict[str, Floats]:
        """Program conductances in a precision; digital parameters are rounded to it."""
        new: dict[str, Floats] = {name: values.astype(precision).astype(float) for name, values in g.items()}
        for one in self.circuits.values():
            new |= one.begun({element.name: g[element.name] for element in one.circuit.trainable}, precision)
        for crossbar in self.crossbars.values():
            new |= crossbar.begun({crossbar.part.g: g[crossbar.part.g]}, precision)
        return new
