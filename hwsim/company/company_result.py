"""Result of a company that leaves no folder: trained to the end and tested, for sweeps and for tuning."""

from collections.abc import Callable, Iterator

import numpy as np

from hwsim.company.company import Company, Round
from hwsim.company.company_record import row
from hwsim.company.figures import CompanyFigures
from hwsim.company.members import Members
from hwsim.core.protocol import ConvergenceError
from hwsim.ensemble.instances import Instance, Outcome, tested
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.files.records import Row
from hwsim.settings.company_settings import CompanySettings


def settings_of(experiment: Experiment) -> CompanySettings:
    """Return what chips exchange.

    Raises
    ------
    ExperimentError
        When the experiment has no company.

    """
    if experiment.company is None:
        msg = f"{experiment.name} has no company; set company.chips"
        raise ExperimentError(msg)
    return experiment.company


def trained(experiment: Experiment, instance: Instance, follow: Callable[[int], None]) -> tuple[Outcome, CompanyFigures]:
    """Train a company whose first chip and seed are an instance's, and test its chips; `follow` is called with each epoch's number.

    Raises
    ------
    ExperimentError, DataError, CircuitError
        When something cannot be used at all. A company of which a sample does not settle has that in its outcome.

    """
    sections = {"training": {"seed": instance.seed}, "variation": {"chip": instance.chip}}
    update = {name: getattr(experiment, name).model_copy(update=values) for name, values in sections.items()}
    experiment = experiment.model_copy(update=update)
    members = Members.of(experiment, settings_of(experiment))
    rows, pulses, joules = list[Row](), 0.0, 0.0
    with Company(members, settings_of(experiment)) as company:
        try:
            for one in company.rounds(company.begin()):
                if isinstance(one, Round):
                    rows.append(row(one, members.alone[0].task))
                    pulses, joules = pulses + float(np.sum(one.sums["pulses"])), joules + float(np.sum(one.sums["energy"]))
                    g = [trainer.g(state) for trainer, state in zip(company.alone.trainers, company.alone.apart(one.state), strict=True)]
                    follow(one.state.epoch)
        except ConvergenceError as error:
            return Outcome(instance, np.nan, np.nan, None, None, np.nan, str(error)), CompanyFigures(np.nan, np.nan, np.nan)
    sessions, last = members.alone, rows[-1]
    each = tested(sessions, g, [session.data.x_test for session in sessions], [session.task.test for session in sessions])
    pulsed = any(device.programmed for device in experiment.devices)
    outcome = Outcome(
        instance=instance,
        test_error=float(np.mean([one.error for one in each])),
        train_error=float(last["train_error"]),
        pulses=pulses if pulsed else None,
        joules=joules if pulsed else None,
        residual=max(*(one.residual for one in each), *(float(one["residual_A"]) for one in rows)),
        failed=next((one.failed for one in each if one.failed), None),
    )
    sent = sum(float(one["sent_bytes"]) for one in rows)
    return outcome, CompanyFigures(float(last["together_error"]), float(last.get("churn", np.nan)), sent)


def errors(experiment: Experiment) -> Iterator[float]:
    """Train a company, and yield the mean of its chips' errors on the held-out set after each epoch.

    Raises
    ------
    ConvergenceError
        When a sample has no equilibrium.

    """
    settings = settings_of(experiment)
    members = Members.of(experiment, settings)
    with Company(members, settings) as company:
        for one in company.rounds(company.begin()):
            if isinstance(one, Round):
                yield float(row(one, members.alone[0].task)["test_error"])
