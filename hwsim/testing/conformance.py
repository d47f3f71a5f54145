"""The conformance suite: an engine proves itself on every problem and law, but for exceptions that have reasons and are needed.

A package with an engine tests it so:

    import pytest
    from hwsim.testing import conformance
    from my_package import MyEngine

    EXCEPTIONS = {"mesh/*": "solves layered circuits only", "skewed-*/unstable": "does not look for stability"}

    @pytest.mark.parametrize("problem", conformance.PROBLEMS, ids=lambda problem: problem.name)
    def test_it_conforms(problem):
        conformance.check(MyEngine(), [problem], exceptions=EXCEPTIONS)

The idea is nengo's, whose back-ends list the tests of the core that they do not pass, each with its reason.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from hwsim.core.protocol import Engine
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.testing.laws import LAWS, QUICK, Examination, Law
from hwsim.testing.problems import PROBLEMS, EngineProblem

__all__ = ["AGREE_V", "LAWS", "PROBLEMS", "ConformanceError", "EngineProblem", "check"]

AGREE_V = 1e-8
"""V; engines that solve the same equations in 64 bits differ by less."""


class ConformanceError(AssertionError):
    """Raised with the laws that an engine breaks, problem by problem, and the exceptions that it does not need."""


def check(
    engine: Engine,
    problems: Sequence[EngineProblem] = PROBLEMS,
    *,
    exceptions: Mapping[str, str] | None = None,
    tolerance: float | Callable[[EngineProblem], float] = AGREE_V,
    reference: Engine | None = None,
) -> None:
    """Solve problems with an engine, and require that every law holds on each.

    Parameters
    ----------
    engine
        The engine under test. A circuit that it refuses breaks all laws of its problem.
    problems
        Some of `PROBLEMS`, or the caller's own.
    exceptions
        What the engine does not do: `problem/law`, where `*` stands for any characters, to the reason. Each must break its law on each of
        `problems` that it matches.
    tolerance
        V; how far the engine's voltages may be from the reference's and from each other; one number, or one for each problem.
    reference
        The engine to compare with; None: the numeric engine's solver for circuits of any form.

    Raises
    ------
    ConformanceError
        Naming all laws that are broken without an exception, and all exceptions that hold after all.
    ValueError
        When an exception has no reason, or matches no problem and law of `problems` and `PROBLEMS`.

    """
    allowed = dict(exceptions or {})
    _check_exceptions(allowed, [*PROBLEMS, *problems])
    faults = []
    for problem in problems:
        volts = tolerance(problem) if callable(tolerance) else tolerance
        for law, broken in _broken(engine, problem, reference or GeneralEngine(), volts):
            pair = f"{problem.name}/{law}"
            matches = [pattern for pattern in allowed if fnmatchcase(pair, pattern)]
            if broken is not None and not matches:
                faults.append(f"{pair}: {broken}")
            elif broken is None and matches:
                faults.append(f"{pair}: holds; remove the exception {matches[0]!r} ({allowed[matches[0]]})")
    if faults:
        raise ConformanceError(f"engine {engine.name}, {len(faults)} faults:\n" + "\n".join(faults))


def _check_exceptions(exceptions: Mapping[str, str], problems: Sequence[EngineProblem]) -> None:
    """Refuse exceptions without a reason, and those that match nothing."""
    pairs = [f"{problem.name}/{law}" for problem in problems for law in _laws(problem)]
    for pattern, reason in exceptions.items():
        if not reason.strip():
            raise ValueError(f"exception {pattern!r} has no reason; write why the engine does not do this")
        if not any(fnmatchcase(pair, pattern) for pair in pairs):
            raise ValueError(f"exception {pattern!r} matches no problem/law; laws are {', '.join(LAWS)}")


def _laws(problem: EngineProblem) -> dict[str, Law]:
    """Return the laws that a problem is for, by name."""
    return LAWS if problem.thorough else QUICK


def _broken(engine: Engine, problem: EngineProblem, reference: Engine, tolerance: float) -> Iterator[tuple[str, str | None]]:
    """Try the laws of a problem: yields each law's name, and how it is broken, None where it holds."""
    circuit = problem.circuit()
    chip = problem.chip(circuit)
    try:
        solver = engine.prepare(circuit, chip)
    except Exception as error:  # noqa: BLE001 - an engine may fail in any way, and the other laws are still to be reported
        yield from ((law, f"prepare: {_text(error)}") for law in _laws(problem))
        return
    with solver:
        case = Examination(problem, circuit, chip, solver, reference=reference, tolerance=tolerance)
        for name, law in _laws(problem).items():
            try:
                law(case)
            except Exception as error:  # noqa: BLE001 - as above
                yield name, _text(error)
            else:
                yield name, None


def _text(error: Exception) -> str:
    """Return an error's kind and message in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
