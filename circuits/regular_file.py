"""Regular files: opened for reading, and nothing else is, for a pipe would make its reader wait and a device may never end."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path | str, within: int | None = None) -> BinaryIO:
    """Open a regular file for reading bytes; a link counts as what it leads to.

    Parameters
    ----------
    path
        Where.
    within
        Descriptor of an open folder that `path` starts from.

    Raises
    ------
    OSError
        When it is missing, may not be opened, or is a folder, a pipe, a socket or a device.

    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=within)  # a pipe would wait for a writer
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "not a regular file; copy what it holds into one", str(path))
