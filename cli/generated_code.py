"""Code that Python's own modules write while classes are made: compiled once and kept, as Python keeps that of files.

A data class has up to eight functions that are written as text and compiled. A hundred classes of ours and as many of JAX's take longer to
make than their files to load. What is kept is found by the text itself and the version of Python, in a folder where only this user writes.
"""

import builtins
import collections
import contextlib
import dataclasses
import marshal
import os
import sys
import typing
import zlib
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType
from typing import Any

_MOST = 10_000
"""Most texts that are kept; all commands together have some three thousand."""

_CHECKSUM = 4
"""Bytes of the file before all others, by which a damaged one is recognised."""


@contextlib.contextmanager
def kept_code(folder: Path | None) -> Iterator[None]:
    """Keep what is generated within a `with` block in a folder, as of files that Python keeps the code of; None: keep nothing."""
    if folder is None or sys.dont_write_bytecode:
        yield
        return
    generated = GeneratedCode(folder)
    generated.use()
    yield
    generated.keep()


class GeneratedCode:
    """Texts and their compiled code, of which some are on disk.

    Parameters
    ----------
    folder
        Where.

    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{sys.implementation.cache_tag}-{MAGIC_NUMBER.hex()}-{sys.flags.optimize}.code"
        self._kept, self.new = _read(self.path), dict[str, bytes]()
        self._codes = dict[str, CodeType]()

    def compile(self, text: Any, file: str, mode: str, *rest: Any, **options: Any) -> Any:
        """Return what `compile` returns, of a text without future statements; what is asked for in other ways is not kept."""
        if rest or options or not isinstance(text, str):
            return builtins.compile(text, file, mode, *rest, **options)
        key = f"{mode} {file} {text}"
        if key not in self._codes:
            written = self._kept.get(key)
            if written is None:
                self._codes[key] = builtins.compile(text, file, mode, dont_inherit=True)
                self.new[key] = marshal.dumps(self._codes[key])
            else:
                self._codes[key] = marshal.loads(written)  # noqa: S302 - this user wrote it, and it is whole
        return self._codes[key]

    def use(self) -> None:
        """Let data classes, named tuples and annotations in quotation marks take their code from here."""

        def run(text: Any, names: dict[str, Any] | None = None, made: dict[str, Any] | None = None) -> None:
            exec(self.compile(text, "<string>", "exec"), vars(dataclasses) if names is None else names, made)  # noqa: S102 - as dataclasses do

        def value(text: Any, names: dict[str, Any] | None = None, made: dict[str, Any] | None = None) -> Any:
            return eval(self.compile(text, "<string>", "eval"), vars(collections) if names is None else names, made)  # noqa: S307 - as collections do

        vars(dataclasses)["exec"], vars(collections)["eval"], vars(typing)["compile"] = run, value, self.compile

    def keep(self) -> None:
        """Write what is new, next to what other processes have written meanwhile; a disk that takes none is done without."""
        if not self.new:
            return
        every = _read(self.path) | self.new
        content = marshal.dumps(every if len(every) <= _MOST else self.new)
        temporary = self.path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            temporary.write_bytes(zlib.crc32(content).to_bytes(_CHECKSUM) + content)
            temporary.replace(self.path)


def _read(path: Path) -> dict[str, bytes]:
    """Return the codes in a file as bytes, by their texts; none where there is no file, or it is another user's or damaged."""
    try:
        if path.lstat().st_uid != os.getuid():
            return {}
        content = path.read_bytes()
    except OSError:
        return {}
    checksum, written = content[:_CHECKSUM], content[_CHECKSUM:]
    if zlib.crc32(written).to_bytes(_CHECKSUM) != checksum:
        return {}
    codes: dict[str, bytes] = marshal.loads(written)  # noqa: S302 - this user wrote it, and it is whole
    return codes
