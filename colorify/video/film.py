"""A gray film in, a coloured film out: the luma plane as it was, sound and subtitles copied packet by packet."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path

import av
import numpy as np

from colorify.files import hidden
from colorify.inference import Colorizer, Mix
from colorify.lock import lock
from colorify.video import media, shots
from colorify.video.facts import Target
from colorify.video.formats import VideoError
from colorify.video.job import FilmOptions, FilmProgress, OnProgress, chosen, named, plan, signing_film, target_of
from colorify.video.join import join
from colorify.video.parts import Parts
from colorify.video.run import AHEAD, Run, Waiting
from colorify.video.steady import BLOCK

PART = 40 * BLOCK  # frames, about: what a kill may lose
STATE = 2  # of a run, as it is kept: an older one begins anew
Colored = Iterator[tuple[Waiting, tuple[np.ndarray, ...]]]


def colorize(
    source: Path,
    out: Path,
    colorizer: Colorizer | Mix,
    options: FilmOptions | None = None,
    progress: OnProgress = lambda now: None,
) -> FilmProgress:
    """Colour the film ``source`` into ``out``, whose suffix names the container; written beside, then renamed.

    Finished parts wait in a hidden folder beside ``out``: after a stop or a kill the same call goes on, and ends with
    the same film. Raises `VideoError` when there is no film to read or it cannot be written, `BusyError` when another
    run is at it.
    """
    source, out = Path(source), Path(out)
    options = chosen(source, out, options or FilmOptions())
    planned = plan(source, out, options)
    with named(source, out), lock(folder := hidden(out, ".parts")):
        shots.ensure(source, options)
        done, parts = color_parts(source, folder, colorizer, options, progress, target=planned.target)
        if not done.frames:
            parts.remove()
            raise VideoError(f"{source}: no frame in it could be decoded")
        lost = media.Damage()
        with signing_film(source, out, options, colorizer.signature) as draft:
            lasts = join(source, parts.paths(), draft, planned.content, (options.start, options.end), lost)
        parts.remove()
        done = replace(done, damaged=done.damaged + len(lost), lacks=lacking(source, options, lasts))
    with suppress(OSError):  # a killed run may have left nothing in it but its lock
        folder.rmdir()
    return done


def lacking(source: Path, options: FilmOptions, lasts: float) -> float:
    """Seconds that a film says to have, and has not, if they are too many for a rounding."""
    if options.end is not None:
        return 0.0
    with media.opened(source) as film:
        lacks = (media.whole_duration(film) or 0.0) - options.start - lasts
    return lacks if lacks > 1 else 0.0


def color_parts(
    source: Path,
    folder: Path,
    colorizer: Colorizer | Mix,
    options: FilmOptions,
    progress: OnProgress = lambda now: None,
    margin: float = 0.0,
    target: Target | None = None,
) -> tuple[FilmProgress, Parts]:
    """The coloured moving picture from ``start`` to ``end`` as parts in a folder; what is there already stays.

    The seconds of ``margin`` before and after are looked at, so that colours go on from there, and not written.
    ``target``: what the film becomes, if that is known already.
    """
    target = target or target_of(
        source, replace(options, start=0.0) if margin else options
    )  # the same for all segments
    with media.opened(source) as film:
        run = Run(film, target, colorizer, options, margin, folder)
        stat = source.stat()
        knobs = replace(options.knobs, references=(), mask=None, hints=())  # hints: a part of the keyframes
        job = asdict(
            replace(options, knobs=knobs, overwrite=False, strict=False, keyframes=None, shots=None, credentials=None)
        ) | {
            "references": [reference.told for reference in options.knobs.references],
            "mask": options.knobs.mask.digest if options.knobs.mask else None,
            "bytes": stat.st_size,
            "time": stat.st_mtime_ns,
            "model": colorizer.digest,
            "keyframes": run.keyframes.digest if run.keyframes else None,
            "shots": run.cast.digest,
            "state": STATE,
        }
        parts = Parts(folder, job)
        try:
            _write(run, parts, progress)
        except VideoError as error:
            cure = f"{error}: remove {folder} to begin anew" if "other frames" in str(error) else error
            raise VideoError(str(cure)) from None
        return run.progress(), parts


def _write(run: Run, parts: Parts, progress: OnProgress) -> None:
    """Color and encode what is not in the parts yet."""
    with ThreadPoolExecutor(1, "encode") as encoding, closing(run.colored(parts.state)) as colored:
        for first in colored:
            _write_part(run, parts, chain((first,), colored), encoding, progress)


def _write_part(run: Run, parts: Parts, colored: Colored, encoding: ThreadPoolExecutor, progress: OnProgress) -> None:
    """The next part, and the state after it."""
    begun, coming = run.written - 1, deque[Future[None]]()
    with av.open(str(parts.next), "w") as out:
        stream = run.target.encoder(out)

        def put(one: Waiting, moments: tuple[np.ndarray, ...]) -> None:
            out.mux(stream.encode(run.target.timed(run.laid(one, moments, stream.codec_context))))

        try:
            for one, moments in colored:
                coming.append(encoding.submit(put, one, moments))
                if len(coming) > AHEAD:
                    coming.popleft().result()
                progress(run.progress())
                if run.written - begun >= PART and run.whole:
                    break
        finally:
            wait(coming)
        for future in coming:
            future.result()
        out.mux(stream.encode(None))
    if media.count(parts.next, own=True) != run.written - begun:
        raise OSError(errno.EIO, "a part of the film did not reach the disk whole", str(parts.next))
    parts.done(run.state())
