"""The callback that counts steps, saves, and stops a run; and what turns signals into such a stop."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastai.callback.core import Callback, CancelFitException
from torch import Tensor

from colorify.training import processes

_AGREE = 10  # steps after which several processes ask each other whether to save or to stop


class TrainingError(ValueError):
    """Why training cannot go on, and what was kept."""


class Checkpointer(Callback):
    """Counts steps, keeps history and best EMA weights, saves, and stops: when asked, in time, or at a loss of NaN."""

    order = 90

    write_state: Callable[[], None] = staticmethod(lambda: None)  # set by the trainer: writes the checkpoint

    def __init__(
        self,
        steps: int,
        save_minutes: float,
        stop_minutes: float | None,
        score: Callable[[dict], float | None] | None = None,
    ):
        self.step, self.steps, self.save_seconds, self.score = 0, steps, save_minutes * 60, score
        self.stop_at = time.monotonic() + stop_minutes * 60 if stop_minutes else math.inf
        self.history: list[dict] = []
        self.best: dict[str, Tensor] = {}  # weights of the best EMA weights so far, where there is a score
        self.stop = False

        self.unchecked: tuple[int, Tensor, Tensor] | None = None

    def before_fit(self) -> None:
        self.saved_at, self.unchecked = time.monotonic(), None

    def after_loss(self) -> None:
        if self.training:
            self._check()
            self.unchecked = self.step, self.loss.detach(), self.yb[1]

    def _check(self) -> None:
        """Look at the loss of the step before: to look at this one's would make the device wait."""
        if self.unchecked:
            (step, loss, index), self.unchecked = self.unchecked, None
            if not math.isfinite(float(loss)):
                names = ", ".join(self.dls.train.names(index))
                raise TrainingError(f"step {step}: the loss is {float(loss)}; its pictures: {names}")

    def after_batch(self) -> None:
        if not self.training:
            return
        self.step += 1
        if self.iter + 1 == self.n_iter:
            return  # validation comes first, then `after_epoch`
        if processes.count() == 1 or self.step % _AGREE == 0:
            overdue = time.monotonic() - self.saved_at > self.save_seconds
            stop, save = processes.most((self.must_stop, overdue), self.loss.device)
            if stop or save:
                self._save(bool(stop))

    @property
    def must_stop(self) -> bool:
        """Whether somebody asked, or the time is over."""
        return self.stop or time.monotonic() > self.stop_at

    def _save(self, stop: bool) -> None:
        self._check()
        self.write_state()
        self.saved_at = time.monotonic()
        if stop:
            raise CancelFitException

    def after_epoch(self) -> None:
        names = self.recorder.metric_names[1:-1]  # without epoch and time
        values = zip(names, self.recorder.values[-1], strict=True)
        row = {"step": self.step} | {name: round(float(value), 5) for name, value in values}
        score = self.score(row) if self.score else None
        if score is not None:
            row["score"] = round(score, 5)
            if row["score"] > max((earlier.get("score", -math.inf) for earlier in self.history), default=-math.inf):
                self.best = {name: t.clone() for name, t in self.ema.averaged.module.state_dict().items()}
        self.history.append(row)
        (stop,) = processes.most((self.must_stop,), self.loss.device)
        self._save(bool(stop))


@contextmanager
def stops_cleanly(checkpointer: Checkpointer) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the run after the current batch, with a checkpoint; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: object) -> None:
        checkpointer.stop = True
        signal.signal(number, old[signal.Signals(number)])

    for number in old:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
