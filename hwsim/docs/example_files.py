"""The examples: programs in Python that run as they are, listed and copied."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path


class ExamplesError(ValueError):
    """Examples that cannot be copied; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class ExampleFile:
    """One example.

    Parameters
    ----------
    name
        Of its file.
    about
        A line that describes it.
    text
        The program, in percent cells: an editor or Jupyter runs it cell by cell.

    """

    name: str
    about: str
    text: str


def example_files() -> list[ExampleFile]:
    """Read all examples, by name."""
    texts = {
        one.name: one.read_text(encoding="utf-8") for one in files("hwsim.docs").joinpath("examples").iterdir() if one.name.endswith(".py")
    }
    return [ExampleFile(name, (ast.get_docstring(ast.parse(texts[name])) or "").partition("\n")[0], texts[name]) for name in sorted(texts)]


def copy_examples(examples: Sequence[ExampleFile], folder: Path) -> list[Path]:
    """Copy examples into a folder, which is made where it is missing; no file is ever replaced.

    Raises
    ------
    ExamplesError
        When one of them is there already; then none is copied.
    OSError
        When the folder cannot be made or written.

    """
    from hwsim.files import atomic  # noqa: PLC0415 - listing does without

    paths = [folder / one.name for one in examples]
    if present := [path for path in paths if path.exists() or path.is_symlink()]:
        msg = f"{present[0]}: is there already, and nothing is copied over it; name another folder, or move it away"
        raise ExamplesError(msg)
    atomic.make_folder(folder, exist_ok=True)
    for path, one in zip(paths, examples, strict=True):
        atomic.write(path, one.text)
    return paths
