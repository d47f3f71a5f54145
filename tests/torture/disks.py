"""Trains on disks that fill up at every stage, and on one that becomes read-only, then continues where there is room.

`python tests/torture/disks.py` mounts small disks in memory, in a namespace of its own (Linux, unshare); it needs no rights but that.
"""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from support.kill_training import WORDS, Victim, damage, numbers  # noqa: E402 - found by the line above

_EPOCHS = ("--epochs", "3")
_KIBIBYTES = (4, 8, 16, 24, 36, 44, 80)
"""Sizes of the disks: the whole run takes about 150."""


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def main() -> int:
    """Fill disks; gives the number of faults."""
    faults, full = [], 0
    with tempfile.TemporaryDirectory() as folder:
        alone = Victim(Path(folder) / "alone", (*WORDS, *_EPOCHS))
        alone.through()
        wanted = numbers(alone.folder)
        for size in (*_KIBIBYTES, None):
            disk = Path(folder) / f"disk-{size}"
            disk.mkdir()
            _mount("-t", "tmpfs", "-o", f"size={size or 4}k", "tmpfs", str(disk))
            victim = Victim(disk / "run", (*WORDS, *_EPOCHS), log_beside=Path(folder))
            if size is None:
                _mount("-o", "remount,size=10m", str(disk))
                victim.kill(signal.SIGKILL, alone.seconds / 2)
                _mount("-o", "remount,ro", str(disk))
            victim.through()
            message = Path(victim.log).read_text(encoding="utf-8").splitlines()[-1]
            full += "the disk is full" in message or "read-only" in message
            faults += [f"{size} KiB: {message}"] * ("Traceback" in message) + [f"{size} KiB: {fault}" for fault in damage(victim.folder)]
            sys.stdout.write(f"{size} KiB: {message}\n")
            _mount("-o", "remount,rw,size=10m", str(disk))
            victim.faults.clear()
            victim.through()
            faults += victim.faults
            if numbers(victim.folder) != wanted:
                faults.append(f"{size} KiB: other numbers")
            subprocess.run(["umount", str(disk)], check=True)
    sys.stdout.write(f"{full} disks full or read-only; folders damaged or numbers lost: {len(faults)}\n")
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    return bool(faults)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main())
    sys.exit(subprocess.run(["unshare", "--map-root-user", "--mount", sys.executable, __file__, "inside"], check=False).returncode)
