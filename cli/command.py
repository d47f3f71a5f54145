"""Common parts of all commands: help that shows an example first, `--json`, `--debug`."""

from collections.abc import Callable
from typing import Any

import click

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


class Command(click.Command):
    """A command whose help starts with an example."""

    def __init__(self, *arguments: Any, example: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.example = example

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example, then click's help."""
        formatter.write_text("Example:")
        with formatter.indentation():
            for line in self.example.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")  # not wrapped: a line is there to be copied
        formatter.write_paragraph()
        super().format_help(ctx, formatter)


def command(name: str, example: str, kind: type[Command] = Command) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a command, with the options of all commands. Its first parameter is the Output."""

    def decorate(function: Callable[..., Any]) -> Command:
        # both are evaluated before anything is parsed, so that they apply to errors in the command line too
        function = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")(function)
        function = click.option("--json", is_flag=True, expose_value=False, help="Print one JSON object and nothing else.")(function)
        make = click.command(name, cls=kind, example=example, context_settings=CONTEXT)
        made: Command = make(click.pass_obj(function))
        return made

    return decorate
