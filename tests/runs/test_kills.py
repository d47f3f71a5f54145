"""A process that trains may be killed at any moment: what it leaves is whole, and the run ends with the numbers that it would have had."""

import random
import signal

from support.kill_training import WORDS, Victim, numbers

EPOCHS = ("--epochs", "3")


def test_kills_lose_nothing(tmp_path):
    """Killed, terminated and interrupted at moments of no one's choice, then resumed, it is as if nothing had happened."""
    alone, victim = Victim(tmp_path / "alone", (*WORDS, *EPOCHS)), Victim(tmp_path / "victim", (*WORDS, *EPOCHS))
    seconds = alone.through()
    rng = random.Random(0)  # noqa: S311 - moments are no secrets
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        victim.kill(number, rng.uniform(0, seconds / 2))
    victim.through()
    assert victim.faults == alone.faults == []
    assert numbers(victim.folder) == numbers(alone.folder)


def test_a_folder_that_was_killed_while_it_was_made_can_be_used(tmp_path):
    """Whatever was there when the process died: nothing, half of the first file, the first file alone."""
    for k, name in enumerate(("", ".experiment.toml.tmp")):
        victim = Victim(tmp_path / str(k), ("xor", "--epochs", "1"))
        victim.folder.mkdir()
        if name:
            (victim.folder / name).write_text("half", encoding="utf-8")
        victim.through()
        assert victim.faults == []
        assert not list(victim.folder.glob(".*"))
