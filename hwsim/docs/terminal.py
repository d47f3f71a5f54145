"""Guides in a terminal: Markdown laid out for a width, with colours where the terminal has them."""

import io
import re

from hwsim.docs.guides import TOPICS

WIDTH = 80
"""Columns of a guide at most: longer lines are hard to read."""

_PICTURE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\(([a-z-]+)\.md(?:#[\w-]*)?\)")


def rendered(text: str, width: int = WIDTH, colours: str | None = None) -> str:
    """Lay out Markdown for a terminal of `width` columns, at most 80; without a colour system of rich it is plain text."""
    from rich.console import Console  # noqa: PLC0415 - only a guide needs rich
    from rich.markdown import Markdown  # noqa: PLC0415

    laid_out = io.StringIO()
    console = Console(
        file=laid_out,
        width=min(width, WIDTH),
        force_terminal=colours is not None,
        color_system=colours,  # type: ignore[arg-type] # one of four names
        legacy_windows=False,
    )
    console.print(Markdown(_for_terminal(text), hyperlinks=False, code_theme="ansi_dark", inline_code_theme="ansi_dark"))
    return "\n".join(line.rstrip() for line in laid_out.getvalue().splitlines()) + "\n"


def _for_terminal(text: str) -> str:
    """Replace what only a page can show: a picture by its description, a link to another guide by the command that prints it."""
    text = _PICTURE.sub(r"*Figure (see `hwsim docs --html`): \1*", text)
    return _LINK.sub(lambda link: f"{link[1]} (`hwsim docs {link[2]}`)" if link[2] in TOPICS else link[0], text)
