"""One run at a time in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class BusyError(ValueError):
    """Another run holds this folder."""


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Make a folder and hold it; `BusyError` when another run holds it already.

    The lock is the system's own on the folder itself: a kill lets go of it, and no file is left. Windows and some
    network file systems have none; there nothing is held. A folder that was made, and stays empty, goes again.
    """
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise BusyError(f"{folder}: another run holds it: wait for it, or choose another -o") from None
    except OSError:  # the file system has no such locks
        pass
    try:
        yield
    finally:
        if new:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
        os.close(handle)
