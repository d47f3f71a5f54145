"""Guides in a terminal: Markdown laid out for a width, with colours where the terminal has them."""

import io
import re
from typing import TYPE_CHECKING, ClassVar

from hwsim.docs.guides import commands_for_links

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import Markdown

WIDTH = 80
"""Columns of a guide at most: longer lines are hard to read."""

_PICTURE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_FILE = re.compile(r"^```(\w+) (\S+\.\S+)\n", re.MULTILINE)


def rendered(text: str, width: int = WIDTH, colours: str | None = None) -> str:
    """Lay out Markdown for a terminal of `width` columns, at most 80; without a colour system of rich it is plain text."""
    from rich.console import Console  # noqa: PLC0415 - only a guide needs rich

    laid_out = io.StringIO()
    console = Console(
        file=laid_out,
        width=min(width, WIDTH),
        force_terminal=colours is not None,
        color_system=colours,  # type: ignore[arg-type] # one of four names
        legacy_windows=False,
    )
    console.print(_markdown(_for_terminal(text)))
    return "\n".join(line.rstrip() for line in laid_out.getvalue().splitlines()) + "\n"


def _markdown(text: str) -> "Markdown":
    """Parse Markdown; headings are underlined, so that plain text shows them too."""
    from rich.markdown import Heading, Markdown  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415

    class Underlined(Heading):
        def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
            self.text.justify = "left"
            yield self.text
            yield Text(("═" if self.tag == "h1" else "─") * self.text.cell_len)

    class GuideMarkdown(Markdown):
        elements: ClassVar = Markdown.elements | {"heading_open": Underlined}

    return GuideMarkdown(text, hyperlinks=False, code_theme="ansi_dark", inline_code_theme="ansi_dark")


def _for_terminal(text: str) -> str:
    """Replace what only a page can show: a picture by its description, a link by a command that prints it."""
    text = _FILE.sub(r"`\2`:\n\n```\1\n", text)
    text = _PICTURE.sub(r"*Figure (see `hwsim docs --html`): \1*", text)
    return commands_for_links(text)
