"""Setting up: JAX has 64 bits and whole products, and keeps what it compiles where the user's cache is."""

from pathlib import Path

import jax
import pytest

from hwsim.numeric import jax_config


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Collect what JAX is told, instead of telling it."""
    found: dict[str, object] = {}
    monkeypatch.setattr(jax.config, "update", found.__setitem__)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    return found


def test_the_cache_is_where_the_system_says(settings, monkeypatch, tmp_path) -> None:
    """In $XDG_CACHE_HOME, made when missing; all that was compiled is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "deep" / "cache"))
    for _ in range(2):
        jax_config.configure()
    folder = tmp_path / "deep" / "cache" / "hwsim" / "jax"
    assert folder.is_dir()
    assert settings == {
        "jax_enable_x64": True,
        "jax_default_matmul_precision": "highest",
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }


def test_without_a_place_or_with_one_of_the_users(settings, monkeypatch, tmp_path) -> None:
    """In ~/.cache where no place is named; JAX's own variable stays as it is; a folder that cannot be made is done without."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert jax_config.cache_folder() == Path.home() / ".cache" / "hwsim"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    jax_config.configure()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "elsewhere")
    jax_config.configure()
    assert set(settings) == {"jax_enable_x64", "jax_default_matmul_precision"}
