"""The entry: finds the command, and turns every error into one line and an exit code."""

import atexit
import difflib
import errno
import importlib
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from circuits.quoting import quote_path, without
from cli import garbage
from cli.command import CONTEXT
from cli.deferred import defer
from cli.generated_code import kept_code
from cli.output import Output
from hwsim.files.caches import keep_compiled, program_folder
from hwsim.siblings import missing

COMMANDS = {
    "zoo": "List the named circuits, or print one's file.",
    "compile": "Write a circuit as a deck that ngspice runs.",
    "solve": "Find the equilibrium of samples: output voltages, residual, steps.",
    "run": "Simulate a circuit in time: voltages, and how long they take to settle.",
    "train": "Train a circuit; leaves a run folder with its netlist.",
    "import": "Make a circuit of a perceptron that was trained elsewhere (.pt, .onnx, .npz).",
    "evaluate": "Measure the error of a trained circuit.",
    "check": "Verify that engines, gradients and Kirchhoff's law agree.",
    "inspect": "Describe a circuit: blocks, layers, counts, and warnings.",
    "datasheet": "Print what a designer asks of a chip: power, settling, energy, limits.",
    "crossbar": "Measure what the resistance of wires does to a crossbar of any size.",
    "sweep": "Evaluate a circuit on many chips, over any of its settings: errors, yield, sensitivities.",
    "tune": "Search for the settings with the least error on a validation set.",
    "report": "Make one page of runs and sweeps: curves, maps, numbers, experiment.",
    "devices": "List the kinds of memristors, draw their pulse curves, fit one to measured pulses.",
    "bench": "Measure speed relative to something timed next to it.",
    "keys": "List every key of an experiment file: type, unit, default, meaning.",
    "help": "Show the help of a command.",
    "docs": "Show the guides that ship with hwsim, here or as pages.",
    "doctor": "Check Python, ngspice, JAX and data, and print what is missing.",
}
"""The commands, each in the file of its name; here with their first line, so that help loads none of them."""

FINE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class Group(click.Group):
    """The commands, loaded when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List the names in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name not in COMMANDS:
            alike = difflib.get_close_matches(cmd_name, COMMANDS)
            hint = f"did you mean {' or '.join(alike)}?" if alike else f"there are {', '.join(COMMANDS)}"
            raise click.UsageError(f"{cmd_name}: no such command; {hint}", ctx)
        loaded: click.Command = importlib.import_module(f"cli.{cmd_name}").command
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list of commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write which guides there are, and how to set up a shell's completion."""
        from hwsim.docs.guides import TOPICS  # noqa: PLC0415 - only help lists them

        with formatter.section("Guides, by hwsim docs GUIDE"):
            formatter.write_text(", ".join(TOPICS))
        with formatter.section("Completion by Tab, in bash (in zsh: zsh_source, in fish: fish_source)"):
            formatter.write(f'{"":{formatter.current_indent}}eval "$(_HWSIM_COMPLETE=bash_source hwsim)"\n')


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and seldom asked for

        ctx.ensure_object(Output).raw(f"hwsim {version('hwsim')}\n")
        ctx.exit()


@click.group(cls=Group, invoke_without_command=True, context_settings=CONTEXT)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@click.pass_context
def hwsim(ctx: click.Context) -> None:
    """Simulate analog circuits that learn.

    Begin with `hwsim zoo`, then `hwsim train digits`. `hwsim COMMAND -h` shows an example first; `hwsim docs` lists the guides.

    WHAT is a name in the zoo (digits), an experiment file (my.toml), a netlist (my.cir) or a run folder (runs/digits-0: its trained
    circuit).

    `hwsim keys` lists what is set in such a file, and by --set.
    """
    if ctx.invoked_subcommand is None:
        ctx.obj.raw(ctx.get_help() + "\n")


def main(arguments: list[str]) -> int:
    """Run a command line and return its exit code: 0 fine, 1 failed, 2 bad input, 130 interrupted."""
    output = Output(json="--json" in arguments)
    with _listening() as interrupted:
        try:
            code = hwsim.main(arguments, prog_name="hwsim", standalone_mode=False, obj=output)
            sys.stdout.flush()
        except Exception as error:
            if "--debug" in arguments:
                raise
            code, text = describe(click.Abort() if interrupted.is_set() and isinstance(error, ImportError) else error)
            typed = [part for word in arguments for part in (word, word.partition("=")[2])]
            output.error(without(text, typed))
    return code if isinstance(code, int) else FINE


@contextmanager
def _listening() -> Iterator[threading.Event]:
    """Record Ctrl-C: while a library loads, the exception becomes the library's own failure to load."""
    interrupted = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield interrupted  # only the main thread may set a handler, and only without another one
        return

    def interrupt(number: int, frame: Any) -> None:
        interrupted.set()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def describe(error: Exception) -> tuple[int, str]:
    """Return the exit code and the line for an error."""
    ours = type(error).__module__.split(".")[0] in {"cli", "hwsim", "netlists", "circuits"}
    match error:
        case click.Abort():
            code, text = INTERRUPTED, "interrupted"
        case click.ClickException():
            code, text = BAD_INPUT, error.format_message()
        case OSError():
            code, text = BAD_INPUT, _plain_words(error)
        case ModuleNotFoundError() if error.name:
            code, text = BAD_INPUT, missing(error.name)
        case MemoryError():
            code, text = BAD_INPUT, "not enough memory; use fewer samples (data.train_limit), a smaller batch or a smaller circuit"
        case ValueError():
            code, text = BAD_INPUT, str(error)
        case RuntimeError() if ours:
            code, text = getattr(error, "exit_code", FAILED), str(error)
        case _:
            code, text = FAILED, f"{type(error).__name__}: {error}; this is a fault of hwsim; --debug shows the traceback"
    return code, text


def _plain_words(error: OSError) -> str:
    words = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EACCES: "no permission; look at who owns it, or name another place",
        errno.EPERM: "no permission; look at who owns it, or name another place",
        errno.EROFS: "this file system is read-only",
        errno.ENOENT: "no such file or folder",
        errno.ENOTDIR: "a part of this path is a file, not a folder",
        errno.EISDIR: "this is a folder, not a file",
        errno.EEXIST: "this is a file, not a folder",
    }
    reason = words.get(error.errno or 0) or error.strerror or str(error)
    return f"{quote_path(error.filename)}: {reason}" if error.filename is not None else f"cannot write the output: {reason}"


def run() -> Any:
    """Run the command line of this process."""
    ended = list[int]()
    atexit.register(_end_at_once, ended)  # as the first, which is called last
    garbage.search_later()
    defer()
    keep_compiled()  # before a command loads JAX
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "16")  # NumPy's idle threads, one a core, would spin for 2**26 cycles, not 2**16
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it would look for some in all packages that are installed
    if not sys.warnoptions:  # whoever asks Python for warnings gets them; users get our own messages
        warnings.simplefilter("ignore")
        os.environ.setdefault("PYTHONWARNINGS", "ignore")  # also of the processes that a command starts
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that has no ŷ shows a question mark
    with kept_code(program_folder()):
        code = main(sys.argv[1:])
    _drop_unwritten()
    garbage.search_no_more()
    ended.append(code)
    sys.exit(code)


def _end_at_once(ended: list[int]) -> None:
    """End the process: the system takes its memory back sooner than Python and JAX let go of it part by part.

    XLA may be compiling in threads of its own when a command is interrupted, and they crash when their memory is freed. Whatever else ends
    with the process, as files that a library cleans up, has been called before.
    """
    if ended:
        _drop_unwritten()
        sys.stderr.flush()
        os._exit(ended[0])


def _drop_unwritten() -> None:
    """Drop what standard output could not take: some versions of Python try again at exit, and change the exit code."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
