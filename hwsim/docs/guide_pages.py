"""Guides as HTML: a page a topic, or all in one, that load nothing and need no script."""

import re
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files as resources
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.docs.guides import Guide, commands_for_links, picture
from hwsim.files import atomic
from hwsim.report.page import stylesheet

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MARK = b'<p class="kind">hwsim guide</p>'
"""What every page holds near its beginning."""

_GUIDE = re.compile(r"([a-z-]+)\.md(#[\w-]+)?")
_SHORT = 22
"""Characters of code that a narrow page has room for in one line."""

_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_SVG = re.compile(r"<svg\b.*</svg>", re.DOTALL)


def page_names(guides: Sequence[Guide], out: Path) -> list[Path]:
    """Name the files that `write_pages` writes: `out` where it ends in .html, else a page a guide in the folder `out`, and index.html."""
    if out.suffix == ".html":
        return [out]
    return [out / f"{guide.topic}.html" for guide in guides] + [out / "index.html"]


def write_pages(guides: Sequence[Guide], out: Path) -> list[Path]:
    """Write guides as pages, and return their files.

    Parameters
    ----------
    guides
        In reading order.
    out
        A file that ends in .html for all of them in one page, or a folder, which is made where there is none.

    Raises
    ------
    OSError
        When a page cannot be written.

    """
    files = page_names(guides, out)
    if len(files) == 1:
        atomic.write(files[0], render(guides, guides, single=True))
        return files
    out.mkdir(exist_ok=True)
    for file, guide in zip(files, guides, strict=False):
        atomic.write(file, render(guides, [guide], single=False))
    atomic.write(files[-1], render(guides, [], single=False))
    return files


def render(guides: Sequence[Guide], shown: Sequence[Guide], *, single: bool) -> str:
    """Return the HTML of one page.

    Parameters
    ----------
    guides
        All that the navigation lists.
    shown
        Those on this page; none: the list itself, with what each is about.
    single
        Whether all guides are on one page, so that links between them stay on it.

    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only pages need it
    from markupsafe import Markup  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("hwsim.docs"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    topics = {guide.topic for guide in guides}
    bodies = [(guide, *_body(guide, topics, single=single)) for guide in shown]
    parts = [(guide, Markup(html), sections) for guide, html, sections in bodies]  # noqa: S704 - made from escaped text below
    style = stylesheet() + resources("hwsim.docs").joinpath("templates/guide.css").read_text(encoding="utf-8")
    at = guides.index(shown[0]) if len(shown) == 1 and not single else None
    return environment.get_template("guide.html").render(
        title=shown[0].title if len(shown) == 1 else "hwsim: guides",
        guides=guides,
        parts=parts,
        single=single,
        before=guides[at - 1] if at else None,
        after=guides[at + 1] if at is not None and at + 1 < len(guides) else None,
        style=Markup(style),  # noqa: S704 - our own file
        version=version("hwsim"),
    )


def slug(title: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def _body(guide: Guide, topics: set[str], *, single: bool) -> tuple[str, list[tuple[str, str]]]:
    """Return a guide's HTML, and the anchors and titles of its sections."""
    markdown = _markdown()
    tokens = markdown.parse(commands_for_links(guide.text, topics))
    prefix, sections = f"{guide.topic}--" if single else "", list[tuple[str, str]]()
    for heading, inline in pairwise(tokens):
        if heading.type != "heading_open":
            continue
        title = "".join(part.content for part in inline.children or [])
        heading.attrSet("id", guide.topic if heading.tag == "h1" and single else prefix + slug(title))
        if heading.tag == "h2":
            sections.append((str(heading.attrGet("id")), title))
    for token in tokens:
        for part in token.children or []:
            if part.type == "link_open":
                part.attrSet("href", _target(str(part.attrGet("href")), prefix, single=single))
    return markdown.renderer.render(tokens, markdown.options, {}), sections


def _target(href: str, prefix: str, *, single: bool) -> str:
    """Return where a link leads from a page: another guide's page or its place on this one; other addresses stay."""
    if href.startswith("#"):
        return f"#{prefix}{href[1:]}"
    match = _GUIDE.fullmatch(href)
    if match is None:
        return href
    topic, anchor = match[1], match[2] or ""
    if single:
        return f"#{topic}--{anchor[1:]}" if anchor else f"#{topic}"
    return f"{topic}.html{anchor}"


def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only pages need it

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0"><table>')
    markdown.add_render_rule("table_close", lambda *_: "</table></div>")
    markdown.add_render_rule("fence", _fence)
    markdown.add_render_rule("code_block", _fence)
    markdown.add_render_rule("code_inline", _code)
    markdown.add_render_rule("image", _image)
    return markdown


def _fence(_: Any, tokens: "Sequence[Token]", index: int, *__: Any) -> str:
    """Return a block of code, under the name of the file that it is to be saved as."""
    from markupsafe import escape  # noqa: PLC0415 - only pages need it

    words = tokens[index].info.split()
    name = next((word for word in words[1:] if "." in word), "")
    label = f'<p class="file">{escape(name)}</p>' if name else ""
    return f'{label}<pre tabindex="0"><code>{escape(tokens[index].content)}</code></pre>\n'


def _code(_: Any, tokens: "Sequence[Token]", index: int, *__: Any) -> str:
    """Return code within a line; what is short is not broken, or a phone would show `--` on one line and `force` on the next."""
    from markupsafe import escape  # noqa: PLC0415 - only pages need it

    text = tokens[index].content
    kind = ' class="short"' if len(text) <= _SHORT else ""
    return f"<code{kind}>{escape(text)}</code>"


def _image(_: Any, tokens: "Sequence[Token]", index: int, *__: Any) -> str:
    """Return a picture that is part of the page."""
    from markupsafe import escape  # noqa: PLC0415 - only pages need it

    drawn = _SVG.search(_METADATA.sub("", picture(str(tokens[index].attrGet("src")))))
    return f'<span class="picture" role="img" aria-label="{escape(tokens[index].content)}">{drawn[0] if drawn else ""}</span>'
