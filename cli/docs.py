"""`hwsim docs`: the guides and examples that ship with hwsim."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import options
from cli.command import command as make_command
from cli.output import Output
from cli.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hwsim.docs.guides import Guide


_EXAMPLES = "examples"
"""The topic that is no guide."""


@make_command(
    "docs",
    "hwsim docs\nhwsim docs quick-start\nhwsim docs --html guides\nhwsim docs devices --html devices.html\n"
    "hwsim docs examples --copy my-examples",
)
@click.argument("topic", required=False)
@click.option(
    "--html", "out", type=click.Path(path_type=Path), metavar="DIR|FILE.html", help="Write pages instead: a page a topic, or one."
)
@click.option("--copy", "folder", type=click.Path(path_type=Path), metavar="DIR", help="With examples: copy them there.")
@options.force
def command(output: Output, topic: str | None, out: Path | None, folder: Path | None, *, force: bool) -> None:
    """List the guides, or print the one on TOPIC; `examples` lists programs in Python to start from.

    On a terminal a guide is shown page by page; elsewhere it is plain text of 80 columns. --json has its Markdown. Pages load nothing and
    need no script: a folder gets index.html and a page a topic, a file all topics, or TOPIC alone. --copy writes the
    examples into a folder and replaces nothing.
    """
    if topic == _EXAMPLES or folder is not None:
        _examples(output, topic, folder, others=[name for name, given in (("--html", out), ("--force", force)) if given])
        return
    from hwsim.docs.guides import TOPICS, guide  # noqa: PLC0415 - help does without

    if topic is not None and topic not in TOPICS:
        topics = [*TOPICS, _EXAMPLES]
        near = difflib.get_close_matches(topic, topics)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(topics)}"
        msg = f"{topic}: no such guide; {hint}"
        raise click.UsageError(msg)
    if out is not None:
        _write(output, [guide(name) for name in ([topic] if topic else TOPICS)], out, force=force)
        return
    if force:
        msg = "--force replaces files, and no --html names any; omit it"
        raise click.UsageError(msg)
    if topic is None:
        listed = [{"topic": name, "about": about} for name, about in TOPICS.items()]
        output.result(
            {"topics": listed},
            table(("guide", "about"), list(TOPICS.items())) + "\n\nhwsim docs GUIDE prints one; hwsim docs examples lists programs",
        )
        return
    chosen = guide(topic)
    if output.json:
        output.result({"topic": topic, "title": chosen.title, "about": chosen.about, "markdown": chosen.text}, "")
        return
    from hwsim.docs.terminal import rendered  # noqa: PLC0415 - help does without

    output.pages(lambda width, colours: rendered(chosen.text, width, colours))


def _examples(output: Output, topic: str | None, folder: Path | None, *, others: list[str]) -> None:
    """List the examples, or copy them."""
    from hwsim.docs.example_files import copy_examples, example_files  # noqa: PLC0415 - help does without

    if topic != _EXAMPLES:
        msg = f"--copy copies the examples; write hwsim docs {_EXAMPLES} --copy {folder}"
        raise click.UsageError(msg)
    if others:
        msg = f"{others[0]} is for guides, and the examples are programs; --copy DIR copies them, and replaces nothing"
        raise click.UsageError(msg)
    examples = example_files()
    if folder is not None:
        paths = copy_examples(examples, folder)
        output.result({"files": [str(path) for path in paths]}, "\n".join(map(str, paths)))
        return
    listed = [{"example": one.name, "about": one.about} for one in examples]
    rows = [(one.name, one.about) for one in examples]
    output.result({"examples": listed}, table(("example", "about"), rows) + f"\n\nhwsim docs {_EXAMPLES} --copy DIR copies them")


def _write(output: Output, guides: "Sequence[Guide]", out: Path, *, force: bool) -> None:
    from hwsim.docs.guide_pages import MARK, page_names, write_pages  # noqa: PLC0415 - help does without
    from hwsim.sweep import outputs  # noqa: PLC0415 - for this command alone

    kind = outputs.FileKind("a page of hwsim docs", lambda head: MARK in head)
    if out.suffix == ".html" or out.is_dir():
        outputs.refuse([outputs.OutputFile("--html", path, kind) for path in page_names(guides, out)], [], force=force)
    elif out.exists() or not out.parent.is_dir():
        outputs.refuse_place(outputs.OutputFile("--html", out / "index.html", kind))
    pages = write_pages(guides, out)
    first = pages[-1]
    output.result({"pages": [str(path) for path in pages]}, f"page    {first} (open it in any browser)")
