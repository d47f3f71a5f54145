"""Caches: where they are, and that JAX keeps what it compiles there for whoever asks."""

from pathlib import Path

import pytest

from hwsim.files.caches import PROGRAMS, cache_folder, keep_compiled, program_folder

NAMES = ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Stand in for the environment, without a cache of JAX."""
    fresh: dict[str, str] = {}
    monkeypatch.setattr("hwsim.files.caches.os.environ", fresh)
    return fresh


def test_the_cache_is_where_the_system_says(environment: dict[str, str], tmp_path: Path) -> None:
    """In $XDG_CACHE_HOME, made when missing; all that was compiled is kept."""
    environment["XDG_CACHE_HOME"] = str(tmp_path / "deep" / "cache")
    for _ in range(2):
        keep_compiled()
    folder = tmp_path / "deep" / "cache" / "hwsim" / "jax"
    assert folder.is_dir()
    assert [environment[name] for name in NAMES] == [str(folder), "0", "-1"]
    assert program_folder() == folder.parent / "programs"
    assert folder.parent.joinpath("programs").stat().st_mode & 0o077 == 0


def test_without_a_place_or_with_one_of_the_users(environment: dict[str, str], tmp_path: Path) -> None:
    """In ~/.cache where no place is named; JAX's own variable stays as it is; a folder that cannot be made is done without."""
    assert cache_folder() == Path.home() / ".cache" / "hwsim"
    (tmp_path / "file").touch()
    environment["XDG_CACHE_HOME"] = str(tmp_path / "file")
    keep_compiled()
    assert not environment.keys() & {*NAMES, PROGRAMS}
    assert program_folder() is None
    environment |= {"XDG_CACHE_HOME": str(tmp_path), NAMES[0]: "elsewhere"}
    keep_compiled()
    assert {name: environment[name] for name in NAMES if name in environment} == {NAMES[0]: "elsewhere"}


def test_programs_are_loaded_only_from_where_nobody_else_writes(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes a program there runs anything in the name of whoever loads it."""
    folder = tmp_path / "programs"
    environment[PROGRAMS] = str(folder)
    assert program_folder() is None
    folder.mkdir()
    for mode, kept in ((0o700, True), (0o755, True), (0o775, False), (0o1777, False)):
        folder.chmod(mode)
        assert (program_folder() == folder) == kept
    folder.chmod(0o700)
    monkeypatch.setattr("hwsim.files.caches.os.getuid", lambda: folder.stat().st_uid + 1)
    assert program_folder() is None
