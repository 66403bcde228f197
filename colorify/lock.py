"""One run at a time in a folder."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

NAME = ".colorify.lock"
"""The file in a folder that a run at work there holds; no other run removes it."""
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class BusyError(ValueError):
    """Another run holds this folder."""


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Make a folder and hold it; `BusyError` when another run holds it already.

    The lock is the system's own, on Linux, macOS and Windows, on the file `NAME` in it: a kill lets go of it, and may
    leave the file, which means nothing by itself. Some network file systems have no locks; there nothing is held. A
    folder that was made, or had something in it, and is empty in the end, goes again.
    """
    kept = folder.exists() and not any(path.name != NAME for path in folder.iterdir())
    folder.mkdir(parents=True, exist_ok=True)
    held = FileLock(folder / NAME, timeout=0)
    try:
        held.acquire()
    except Timeout:
        raise BusyError(f"{folder}: another run holds it: wait for it, or choose another -o") from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    try:
        yield
    finally:
        with suppress(OSError):  # Windows keeps what is open, and there the release removes it
            (folder / NAME).unlink()  # while it is held: who waits sees that it is gone, and makes a new one
        held.release()
        if not kept:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
