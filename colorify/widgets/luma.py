"""The luma of the file that is open: whether it can be kept to the bit in a result, and if not, why."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from colorify import batch
from colorify.pictures import Picture, PictureError, graft

_START = b"\xff\xd8"  # of a JPEG


class Luma:
    """That of a file and the picture in it; looked at when it is asked for."""

    def __init__(self, path: Path, picture: Picture):
        self.path, self.picture = path, picture

    @cached_property
    def is_jpeg(self) -> bool:
        """Whether the file is a JPEG."""
        with self.path.open("rb") as file:
            return file.read(len(_START)) == _START

    @property
    def is_gray(self) -> bool:
        """Whether the picture has no colours."""
        return self.picture.pixels.ndim == 2

    @cached_property
    def found(self) -> tuple[graft.Scans, Picture] | str:
        """As the file has it, and as a gray picture; or why it cannot be kept, in words."""
        try:
            return batch.luma_of(self.path.read_bytes(), self.picture)
        except PictureError as error:
            return str(error).replace("its source", "the file")
        except OSError as error:
            return f"the file is gone: {error.strerror}"
