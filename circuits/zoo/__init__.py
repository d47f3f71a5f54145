"""The zoo: named, ready circuits with their data and training settings, one TOML file each."""

from importlib.resources import files


def names() -> list[str]:
    """List the names of the circuits, in alphabetical order."""
    return sorted(file.name.removesuffix(".toml") for file in files(__name__).iterdir() if file.name.endswith(".toml"))


def read(name: str) -> str:
    """Return the text of a circuit's file.

    Raises
    ------
    KeyError
        When the zoo has no circuit of this name.

    """
    if name not in names():
        raise KeyError(name)
    return files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
