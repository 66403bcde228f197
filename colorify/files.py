"""Whole files or none: written under a hidden name beside their place, then renamed."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path, PurePath

_WINDOWS = os.name == "nt"
_FORBIDDEN, _DEVICE = set('<>:"|?*'), re.compile(r"(con|prn|aux|nul|com\d|lpt\d) *(\.|$)", re.IGNORECASE)
"""What names of Windows cannot hold (a colon would write a stream of another file), and those of its devices."""


def hidden(path: Path, end: str) -> Path:
    """A name beside ``path`` for what is not finished: never longer than file systems take, whatever the script."""
    name = os.fsencode(path.name)
    if len(name) > 150:
        name = name[:100].decode(errors="ignore").encode() + b"-" + sha256(name).hexdigest()[:12].encode()
    return path.with_name(f".{os.fsdecode(name)}{end}")


@contextmanager
def atomic(path: Path, suffix: str = "", sync: bool = False) -> Iterator[Path]:
    """The name to write ``path`` under: renamed to it when the block ends, removed when the block fails.

    The name ends in ``.part`` and the ``suffix`` that some writers choose the format by. With ``sync`` the bytes are on
    the disk before the name is. A kill leaves the old file, and the draft. Errors of the system are the caller's.
    """
    draft = hidden(path, f".{os.getpid()}.{threading.get_ident()}.part{suffix}")
    try:
        yield draft
        if sync:
            with open(draft, "r+b") as file:
                os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        with suppress(OSError):
            draft.unlink()


def relative(path: Path | str, folder: Path) -> str:
    """A path from a folder on, with slashes on every system; whole where it is on another drive of Windows."""
    try:
        path = os.path.relpath(path, folder)
    except ValueError:
        path = os.path.normpath(path)
    return os.fspath(path).replace(os.sep, "/")


def write_beside(path: Path, content: bytes) -> None:
    """Write a file, and the folders that it lies in: a whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as draft:
        draft.write_bytes(content)


@contextmanager
def atomic_folder(home: Path) -> Iterator[Path]:
    """The folder to fill instead of ``home``: renamed to it when the block ends, removed when the block fails.

    Where another run was quicker with the same folder, that one stays.
    """
    draft = hidden(home, f".{os.getpid()}.{threading.get_ident()}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        try:
            os.replace(draft, home)
        except OSError:
            if not home.exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def no_name(inside: str) -> str:
    """Why a file of this system cannot have a name from elsewhere; empty when it can."""
    if inside.startswith("..") or PurePath(inside).anchor:  # the latter: a drive of Windows
        return "leads out of the folder"
    if "\0" in inside or (_WINDOWS and (_FORBIDDEN & set(inside) or any(map(_DEVICE.match, PurePath(inside).parts)))):
        return "no name that a file can have"
    return ""
