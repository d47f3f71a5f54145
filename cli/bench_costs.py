"""Benchmarks of some work over what a user would take in its place: devices, convolutions, chains, companies, circuits in time."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import click

from cli.bench_run import BenchCase, BenchFiles, BenchPlan, benchmark, noted, rounds_option, seconds_option
from cli.bench_run import files as with_files
from cli.command import command as make_command
from cli.output import Output


@make_command("devices", "hwsim bench devices\nhwsim bench devices reram-sb ecram --rounds 5")
@click.argument("presets", nargs=-1)
@rounds_option(5)
@seconds_option(1.0)
@with_files
def devices(output: Output, presets: tuple[str, ...], *, files: BenchFiles, **turns: Any) -> int | None:
    """Time training with pulses of real devices against ideal updates, and many chips at once against one.

    PRESETS are devices that `hwsim devices` lists; by default, one of each law of steps.
    """
    return benchmark(output, _devices(output, presets, **turns), files)


def _devices(output: Output, presets: tuple[str, ...], *, rounds: int, seconds: float) -> BenchPlan:
    from hwsim.benchmarks.cases import images  # noqa: PLC0415 - help does without
    from hwsim.benchmarks.device_cost import CHIPS, PRESETS, chips, pulses  # noqa: PLC0415 - for this command alone

    data = noted(output, images())

    def pulsed(preset: str) -> BenchCase:
        return BenchCase(preset, lambda observe: pulses(preset, data, rounds=rounds, seconds=seconds, observe=observe))

    def many_chips(preset: str | None) -> BenchCase:
        title = f"{CHIPS} chips, {preset or 'ideal'}"
        return BenchCase(title, lambda observe: chips(preset, rounds=rounds, seconds=seconds, observe=observe))

    chosen = presets or PRESETS
    return BenchPlan("devices", [*map(pulsed, chosen), many_chips(None), many_chips(chosen[0])], rounds)


@make_command("convolutions", "hwsim bench convolutions\nhwsim bench convolutions --rounds 15")
@rounds_option(9)
@seconds_option(0.5)
@with_files
def convolutions(output: Output, *, files: BenchFiles, **turns: Any) -> int | None:
    """Time convolutions as circuits compute them, products over patches, against convolutions of XLA, in turn.

    Forward, backward and the sum of products of a gradient, for three layers.
    """
    return benchmark(output, _convolutions(**turns), files)


def _convolutions(*, rounds: int, seconds: float) -> BenchPlan:
    from hwsim.benchmarks.convolution_speed import KERNELS, Kernel, compare  # noqa: PLC0415 - for this command alone

    def measure(kernel: Kernel) -> BenchCase:
        return BenchCase(str(kernel), lambda observe: compare(kernel, rounds=rounds, seconds=seconds, observe=observe))

    return BenchPlan("convolutions", [measure(kernel) for kernel in KERNELS], rounds)


@make_command("blocks", "hwsim bench blocks\nhwsim bench blocks ff-digits --rounds 15")
@click.argument("what", nargs=-1)
@rounds_option(7)
@seconds_option(1.0)
@with_files
def blocks(output: Output, what: tuple[str, ...], *, files: BenchFiles, **turns: Any) -> int | None:
    """Time epochs of chains of blocks against their digital twins, with weights in the place of circuits, in JAX and Optax, in turn.

    WHAT are chains of dense circuits that learn classes [default: a small one and, where its data are at hand, a large one].
    """
    return benchmark(output, _blocks(what, **turns), files)


def _blocks(what: Sequence[str], *, rounds: int, seconds: float) -> BenchPlan:
    from hwsim.benchmarks.block_speed import CHAINS, compare  # noqa: PLC0415 - help does without
    from hwsim.experiment.loading import load  # noqa: PLC0415 - for this command alone

    def measure(name: str) -> BenchCase:
        given = load(name)
        return BenchCase(name, lambda observe: compare(given, rounds=rounds, seconds=seconds, observe=observe))

    return BenchPlan("blocks", [measure(name) for name in what or CHAINS], rounds, optional=not what)


@make_command("transient", "hwsim bench transient\nhwsim bench transient --columns 100 --rounds 3")
@click.option("--columns", type=click.IntRange(min=1), default=50, show_default=True, help="Of the recurrent layer.")
@rounds_option(5)
@with_files
def transient(output: Output, *, files: BenchFiles, columns: int, rounds: int) -> int | None:
    """Time a recurrent circuit in time, one sequence and a batch of 256, against ngspice's .tran, in turn.

    To state its error, ngspice runs all of it again with half the steps, which counts, and the numeric engine its first intervals alone.
    """
    from hwsim.benchmarks.transient_speed import compare  # noqa: PLC0415 - help does without

    case = BenchCase(f"{columns} columns", lambda observe: compare(columns=columns, rounds=rounds, observe=observe))
    return benchmark(output, BenchPlan("transient", [case], rounds), files)


@make_command("company", "hwsim bench company\nhwsim bench company digits --rounds 9")
@click.argument("what", nargs=-1)
@click.option("--chips", type=click.IntRange(min=2), default=4, show_default=True, help="Of a company.")
@rounds_option(7)
@seconds_option(1.0)
@with_files
def company(output: Output, what: tuple[str, ...], *, files: BenchFiles, **how: Any) -> int | None:
    """Time an epoch of chips in company against epochs of the same chips one by one, in turn.

    Once they exchange nothing, and once the mean of their gradients in every update. WHAT are circuits that learn classes [default: a small
    one and, where its data are at hand, a larger one].
    """
    return benchmark(output, _company(what, **how), files)


def _company(what: Sequence[str], *, chips: int, rounds: int, seconds: float) -> BenchPlan:
    from hwsim.benchmarks.company_speed import CIRCUITS, EXCHANGES, compare  # noqa: PLC0415 - help does without
    from hwsim.experiment.loading import load  # noqa: PLC0415 - for this command alone
    from hwsim.experiment.overriding import override  # noqa: PLC0415 - as above

    def measure(name: str, exchange: str) -> BenchCase:
        given = override(load(name), [f"company.chips={chips}", f"company.exchange={exchange}"])
        title = f"{chips} chips of {name}, {exchange}"
        return BenchCase(title, lambda observe: compare(given, rounds=rounds, seconds=seconds, observe=observe))

    return BenchPlan("company", [measure(*one) for one in product(what or CIRCUITS, EXCHANGES)], rounds, optional=not what)


COSTS = (devices, convolutions, blocks, transient, company)
"""The commands."""
