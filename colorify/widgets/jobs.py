"""What takes longer than a click: thumbnails, the time line, films, whole pictures; each in the background."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from colorify.widgets.reel import Reel, StoppedError

if TYPE_CHECKING:
    from colorify.widgets.studio import Studio


class Jobs:
    """Two lines of work: what goes with the picture, and what the user asked for, one of it at a time."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self._quick = ThreadPoolExecutor(1, "studio-quick")
        self._long = ThreadPoolExecutor(1, "studio-long")
        self._waiting: list[Future] = []
        self._under_way: Future | None = None
        self._stop = False

    def strip(self, work: Callable[[], None]) -> None:
        """Draw thumbnails."""
        self._submit(self._quick, lambda: self.studio.guarded(work))

    def along(self, reel: Reel) -> None:
        """Fill the time line of a film: stills first, then shots."""
        self._submit(self._quick, lambda: self.studio.guarded(lambda: self._filled(reel)))

    def start(self, text: str, work: Callable[[Callable[[float], None]], None]) -> None:
        """Begin what the user asked for; ``work`` hears how to say a share, which raises `StoppedError` on a stop.

        `ValueError` while something else is under way.
        """
        if self._under_way and not self._under_way.done():
            raise ValueError("one thing at a time: wait, or stop what is under way")
        self._stop = False
        self.studio.progress = {"text": text, "share": 0.0}
        self._under_way = self._submit(self._long, lambda: self._worked(text, work))

    def stop(self) -> None:
        """Stop that."""
        self._stop = True

    def wait(self) -> None:
        """Until all is done; raises what went wrong in the program itself."""
        while self._waiting:
            self._waiting.pop(0).result()

    def _submit(self, line: ThreadPoolExecutor, work: Callable[[], None]) -> Future:
        future = line.submit(work)
        self._waiting = [one for one in self._waiting if not one.done() or one.exception()] + [future]
        return future

    def _worked(self, text: str, work: Callable[[Callable[[float], None]], None]) -> None:
        shown = 0.0

        def progress(share: float) -> None:
            nonlocal shown
            if self._stop:
                raise StoppedError
            if share - shown >= 0.01:
                shown = share
                self.studio.progress = {"text": text, "share": share}

        def working() -> None:
            try:
                work(progress)
            except StoppedError:
                self.studio.say("Stopped.")

        try:
            self.studio.guarded(working)
        finally:
            self.studio.progress = {}

    def _filled(self, reel: Reel) -> None:
        studio = self.studio

        def alive() -> bool:
            return studio.reel is reel

        for still in reel.stills(alive):
            self._show(reel, still)
        for found in reel.find_shots(alive):
            with studio.lock:
                reel.shots = found
                if alive():
                    studio.show_film()

    def _show(self, reel: Reel, still: dict) -> None:
        with self.studio.lock:
            if self.studio.reel is reel:
                self.studio.stills = [*self.studio.stills, still]
