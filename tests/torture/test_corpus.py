"""What fuzzing kept, the smallest files that reach new code: each reader still answers each with a line of ours, or takes it."""

from pathlib import Path

import pytest

from support import damaged_files

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("kind", sorted(path.name for path in CORPUS.iterdir()))
def test_every_kept_file_is_read_or_refused_in_a_line(kind, tmp_path):
    """No traceback, no message of Python's own."""
    files = sorted((CORPUS / kind).iterdir())
    assert files
    for path in files:
        damaged_files.attempt(kind, path.read_bytes(), tmp_path)


def test_the_corpus_stays_small():
    """A checkout should not grow by what was found at random."""
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 200_000
