"""The page: sections in one HTML file that loads nothing, and the pictures next to it as PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files as resources
from pathlib import Path

from hwsim.files import atomic
from hwsim.files.caches import program_folder
from hwsim.report.section import PageSection


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """A page and the PNG files next to it."""

    page: Path
    size: int
    pictures: tuple[Path, ...]


def write_page(path: Path, title: str, command: str, sections: Sequence[PageSection]) -> WrittenPage:
    """Write the page to `path`, and its pictures into a folder next to it with the page's name: report.html, report-figures/.

    Raises
    ------
    OSError
        When something cannot be written; a page that cannot is then the old one, without new pictures next to it.

    """
    html = render(title, command, sections)
    pictures = [picture for section in sections for picture in section.pictures()]
    atomic.write(path, html)  # first: it is complete without the pictures
    if pictures:
        figures(path).mkdir(exist_ok=True)
    written = pictures_of(path, sections)
    for file, picture in zip(written, pictures, strict=True):
        atomic.write(file, picture.png)
    return WrittenPage(path, len(html.encode()), written)


def figures(page: Path) -> Path:
    """Return the folder of a page's pictures."""
    return page.with_name(f"{page.stem}-figures")


def pictures_of(page: Path, sections: Sequence[PageSection]) -> tuple[Path, ...]:
    """List the files of a page's pictures."""
    return tuple(figures(page) / f"{picture.name}.png" for section in sections for picture in section.pictures())


def stylesheet() -> str:
    """Read the style of hwsim's pages: colours for light, dark and paper, and their parts."""
    return resources("hwsim.report").joinpath("templates/style.css").read_text(encoding="utf-8")


def render(title: str, command: str, sections: Sequence[PageSection]) -> str:
    """Render the page's HTML; all text in it is escaped, and only the pictures' own SVG is inserted unchanged."""
    from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined  # noqa: PLC0415 - only reports need it
    from markupsafe import Markup  # noqa: PLC0415

    folder = program_folder()
    environment = Environment(
        loader=PackageLoader("hwsim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=None if folder is None else FileSystemBytecodeCache(str(folder)),
    )
    environment.filters["svg"] = Markup  # matplotlib escapes the text in it
    style = Markup(stylesheet())  # noqa: S704 - our own file
    template = environment.get_template("page.html")
    return template.render(title=title, command=command, sections=sections, style=style, version=version("hwsim"))
