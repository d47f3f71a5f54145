"""Files are whole or not there, whatever happens while they are written."""

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hwsim.files import atomic


def full(*_: object, **__: object) -> None:
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """When writing fails, the old content stays, nothing lies next to it, and the error names the file."""
    file = tmp_path / "a.txt"
    atomic.write(file, "old")
    monkeypatch.setattr(atomic.os, step, full)
    with pytest.raises(OSError, match=r"a\.txt") as caught:
        atomic.write(file, "new")
    assert caught.value.errno == errno.ENOSPC
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_is_synced_before_it_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a loss of power there is never a new name with old or no content: first the content, then the name, then the folder."""
    order: list[str] = []

    def noted(name: str, call: Callable[..., object]) -> Callable[..., object]:
        return lambda *arguments, **folders: (order.append(name), call(*arguments, **folders))[1]

    monkeypatch.setattr(atomic.os, "fsync", noted("sync", os.fsync))
    monkeypatch.setattr(atomic.os, "replace", noted("rename", os.replace))
    atomic.write(tmp_path / "a.txt", "new")
    assert order == ["sync", "rename", "sync"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What a link points to is replaced, not the link."""
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    atomic.write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_a_device_is_written_to_as_it_is() -> None:
    """`-o /dev/null` writes into the device and does not put a file in its place."""
    atomic.write(Path("/dev/null"), "gone")
    assert Path("/dev/null").is_char_device()


def test_arrays_are_read_back_bit_for_bit(tmp_path: Path) -> None:
    """Every type and shape survives, and so do names with a slash and signed zeros."""
    arrays = {"g/w1": np.array([[-0.0, 1e-300], [np.pi, 5e-324]]), "count": np.array(3, np.int32), "x": np.zeros((0, 2), np.float32)}
    atomic.write_arrays(tmp_path / "a.npz", arrays)
    result = atomic.read_arrays(tmp_path / "a.npz")
    assert list(result) == list(arrays)
    for name, array in arrays.items():
        assert (result[name].dtype, result[name].shape, result[name].tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_a_link_in_a_run_folder_leads_nowhere(tmp_path: Path) -> None:
    """Neither the file that a link points to nor the one that a link in the place of the unfinished file points to is touched."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "file").symlink_to(victim)
    with atomic.opened(tmp_path) as folder:
        atomic.write(Path("file"), "new", within=folder)
    assert (tmp_path / "file").read_text() == "new"
    assert not (tmp_path / "file").is_symlink()
    atomic.unfinished(tmp_path / "other").symlink_to(victim)
    with pytest.raises(OSError, match="other"):
        atomic.write(tmp_path / "other", "new")
    assert victim.read_text() == "mine"


def test_many_writers_of_one_file_leave_one_of_their_contents(tmp_path: Path) -> None:
    """However they meet, the file is at each moment whole, and nothing is left next to it."""
    contents = [str(k) * 100_000 for k in range(6)]

    def write(content: str) -> None:
        for _ in range(5):
            atomic.write(tmp_path / "a.txt", content)
            assert (tmp_path / "a.txt").read_text() in contents

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, contents))
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_what_a_killed_writer_left_is_taken_over(tmp_path: Path) -> None:
    """An unfinished file, longer than the new content, leaves no trace."""
    atomic.unfinished(tmp_path / "a.txt").write_text("half of something long")
    atomic.write(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_an_open_folder_gets_its_files_wherever_it_is(tmp_path: Path) -> None:
    """A file written within an open folder gets there, also when the folder was renamed and another one has its old path."""
    (tmp_path / "a").mkdir()
    with atomic.opened(tmp_path / "a") as folder:
        (tmp_path / "a").rename(tmp_path / "b")
        (tmp_path / "a").mkdir()
        atomic.make_folders_within(folder, Path("c/d"))
        atomic.write(Path("c/d/file"), "new", within=folder)
        assert atomic.place_of(folder, tmp_path / "a") == tmp_path / "b"
    assert (tmp_path / "b/c/d/file").read_text() == "new"
    assert list((tmp_path / "a").iterdir()) == []
