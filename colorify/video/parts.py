"""A film in work, on disk: finished parts, and the state of the filter after the last of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from colorify import lock
from colorify.files import atomic

_STATE = "state.npz"


def state_of(folder: Path) -> dict[str, np.ndarray] | None:
    """The state after the last part in a folder, whatever job it is of; nothing: there is none."""
    try:
        with np.load(folder / _STATE, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, EOFError):
        return None


class Parts:
    """A folder beside the result. A part and the state after it count from the moment that the state is renamed."""

    def __init__(self, folder: Path, job: dict[str, object]):
        """``job`` says what is made of what; a folder of another job is emptied."""
        self.folder, self.job = Path(folder), json.dumps(job, sort_keys=True)
        self.count, self.state = 0, None
        state = self._read()
        self.folder.mkdir(parents=True, exist_ok=True)
        if state is None:
            self._empty()
        else:
            self.count, self.state = int(state.pop("parts")), state

    def _read(self) -> dict[str, np.ndarray] | None:
        if (state := state_of(self.folder)) is None:
            return None
        same = str(state.pop("job", "")) == self.job
        whole = same and all(path.exists() for path in self.paths(int(state["parts"])))
        return state if whole else None

    def paths(self, count: int | None = None) -> list[Path]:
        """The finished parts in their order."""
        return [self.folder / f"{number:05d}.nut" for number in range(self.count if count is None else count)]

    @property
    def next(self) -> Path:
        """Where the next part is to be written."""
        return self.folder / f"{self.count:05d}.nut"

    def done(self, state: Mapping[str, np.ndarray]) -> None:
        """The next part is whole; ``state`` is what comes after it."""
        with atomic(self.folder / _STATE, ".npz") as part:
            arrays: dict[str, Any] = {**state, "parts": self.count + 1, "job": self.job}
            np.savez(part, **arrays)
        self.count += 1

    def remove(self) -> None:
        """The film is finished; the folder goes with the lock of the run that holds it."""
        self._empty()

    def _empty(self) -> None:
        for path in self.folder.iterdir():
            if path.name != lock.NAME:
                path.unlink()
