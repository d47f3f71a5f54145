"""`hwsim help`: the help of a command, as its -h shows it."""

import click

from cli.command import command as make_command
from cli.output import Output


@make_command("help", "hwsim help\nhwsim help sweep\nhwsim help bench training")
@click.argument("words", metavar="[COMMAND]", nargs=-1)
@click.pass_context
def command(ctx: click.Context, output: Output, words: tuple[str, ...]) -> None:
    """Show what `hwsim COMMAND -h` shows; without COMMAND, the list of commands."""
    here = ctx.find_root()
    for word in words:
        group = here.command
        if not isinstance(group, click.Group) or (subcommand := group.get_command(here, word)) is None:
            msg = f"{word}: hwsim {' '.join(words[: words.index(word)])} has no such command"
            raise click.UsageError(msg)
        here = click.Context(subcommand, parent=here, info_name=word)
    output.raw(here.get_help() + "\n")
