"""Where an experiment's data come from: read once, and driven by the converters, or the reservoir, of each chip."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.circuit import Circuit
from hwsim.chains.compiling import made
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.settings.block_settings import DigitalBlock
from hwsim.settings.variation_settings import VariationSettings

if TYPE_CHECKING:
    from hwsim.learning.dataset import Dataset
    from hwsim.learning.task import Task
    from hwsim.reservoir.loop import ClosedLoop
    from hwsim.reservoir.reservoir import Reservoir


class DataSource:
    """Where an experiment's data come from, read when they are first asked for, and the task that stands in place of its own."""

    def __init__(
        self,
        experiment: Experiment,
        circuit: Circuit,
        data: "Dataset | None" = None,
        run: str | None = None,
        task: "Task | None" = None,
    ) -> None:
        self._experiment, self._circuit, self._converted = experiment, circuit, dict[Any, "Dataset"]()
        self.run, self.task, self.given = run, task, data is not None or task is not None
        if data is not None:
            self.data = data

    @cached_property
    def data(self) -> "Dataset":
        """The data as they are, before any converter."""
        from hwsim.data.loading import load_data  # noqa: PLC0415 - the readers load only for those who read data

        return load_data(self._experiment, self.run)

    def converted(self, variation: VariationSettings) -> "Dataset":
        """Return the data as the inputs' converters of a chip drive them, once for each kind of converter.

        Converters drive the reservoir where there is one; the buffers of its states drive a circuit behind it, and digital layers read
        them by converters.
        """
        reservoir = self._experiment.reservoir
        kind = (variation.dac_bits, variation.dac_full_scale) if reservoir is None else variation
        if kind not in self._converted:
            if reservoir is None:
                self._converted[kind] = made(self._experiment, self._circuit).driven(self.data, variation)
            else:
                self.run_together([variation])
        return self._converted[kind]

    def run_together(self, variations: Sequence[VariationSettings]) -> None:
        """Run the reservoir of several chips side by side, so that the data of each are there when they are asked for.

        Raises
        ------
        DataError, CircuitError, ConvergenceError
            As `read_states`.

        """
        from hwsim.reservoir.read_states import read_states  # noqa: PLC0415 - only for those who have one

        new = [one for one in dict.fromkeys(variations) if one not in self._converted]
        if self._experiment.reservoir is not None and new:
            self._converted |= dict(zip(new, read_states([self.reservoir(one) for one in new], self.data), strict=True))

    def reservoir(self, variation: VariationSettings) -> "Reservoir":
        """Return the experiment's reservoir on a chip.

        Raises
        ------
        ExperimentError
            When it has none.

        """
        from hwsim.reservoir.read_states import channels  # noqa: PLC0415 - only for those who have one
        from hwsim.reservoir.reservoir import Reservoir  # noqa: PLC0415 - as above

        settings, of = self._experiment, self._experiment.reservoir
        if of is None:
            msg = f"{settings.name}: has no reservoir; add [reservoir], whose keys hwsim keys reservoir lists"
            raise ExperimentError(msg)
        first = None if settings.blocks is None else settings.blocks[0]
        digital = isinstance(first, DigitalBlock) and settings.crossbar is None
        read = variation if digital else variation.model_copy(update={"adc_bits": None})
        return Reservoir(of, channels(self.data), read, settings.training.engine, settings.solver)

    def loop(self, variation: VariationSettings, task: "Task") -> "ClosedLoop":
        """Return the loop that a read-out of a chip's reservoir closes, for the targets of a task.

        Raises
        ------
        ExperimentError
            When there is no reservoir, the data are no series with real targets, or what reads a crossbar is not exact.
        CircuitError
            When targets are not the inputs of the next row.

        """
        from hwsim.reservoir.loop import ClosedLoop  # noqa: PLC0415 - as above
        from hwsim.reservoir.loop_feedback import LoopFeedback  # noqa: PLC0415 - only for those who close loops

        noise, bits = self._experiment.noise, variation.adc_bits or 0
        read = {"variation.adc_bits": bits, "noise.read": noise.read, "noise.read_floor": noise.read_floor}
        if self._experiment.crossbar is not None and any(read.values()):
            what = "a crossbar's outputs close a loop as they are, with neither converters nor noise of readings"
            msg = f"{self._experiment.name}: {what}; omit {next(key for key, value in read.items() if value)}"
            raise ExperimentError(msg)
        reservoir, data = self.reservoir(variation), self.data
        if not data.ordered or data.y_train is None:
            msg = f"{self._experiment.name}: data {data.name} are no series with real targets, and close no loop; choose such, as lorenz"
            raise ExperimentError(msg)
        y = np.asarray(task.train.of(slice(None)), dtype=np.float64)
        return ClosedLoop(reservoir, data.x_train, LoopFeedback.of_series(data.x_train[-len(y) :], y, data.name))

    @property
    def inputs_alone_error(self) -> float | None:
        """The error on the test set of ridge regression on the inputs that drive a reservoir; None without one."""
        from hwsim.learning import factory  # noqa: PLC0415 - learning loads only for those who learn or test
        from hwsim.reservoir.baseline import inputs_alone_error  # noqa: PLC0415 - only for those who have one
        from hwsim.reservoir.read_states import inputs_alone  # noqa: PLC0415 - as above

        settings, training = self._experiment.reservoir, self._experiment.training
        if settings is None:
            return None
        data = inputs_alone(self.data, settings.washout, settings.reads)
        task = self.task or factory.task(training, self._circuit, data, relative=self._experiment.data.error == "nrmse")
        return inputs_alone_error(data, task, training.seed)
