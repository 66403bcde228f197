"""Interlaced films: two fields in a frame, each half its lines, one a moment after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import cast

import av
import cv2
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame

from colorify.video.formats import coding_of, samples

ORDERS = {True: 2, False: 3}
"""FFmpeg's number of a field order, by whether the top field is the first one."""
_TOP_FIRST = {2: True, 3: False, 4: False, 5: True}  # by which field is shown first
_FILTER_LACKS = ("gray9le", "gray10le", "gray12le", "gray14le", "yuv440p10le", "yuv440p12le")
_TICKS = Fraction(1, 1000)  # time stamps do not matter here


def top_first(order: int, frames: Sequence[VideoFrame]) -> bool | None:
    """Whether the top field comes first, by planar frames and the order that their stream says; nothing: no fields.

    Some frames show it: FFmpeg, which knows more of a frame than it tells, takes them apart in their order.
    """
    for frame in (frame for frame in frames if frame.interlaced_frame):
        depth = coding_of(frame).depth
        luma = samples(frame.planes[0], depth)
        height = len(luma) // 2
        top, bottom = luma[0::2][:height], luma[1::2][:height]
        if not np.array_equal(top, bottom):
            graph = _graph(frame, ("separatefields", ""))
            graph.push(frame)
            return np.array_equal(samples(_pulled(graph).planes[0], depth)[:height], top)
    flagged = any(frame.interlaced_frame for frame in frames)
    return _TOP_FIRST.get(order, True if flagged else None)


def filled(luma: np.ndarray, first: int) -> np.ndarray:
    """The field of the lines ``first``, ``first + 2``, ... of ``luma (H, W)``, with the lines between drawn in."""
    whole = luma.copy()
    lines = luma[first::2]
    means = cv2.addWeighted(lines[:-1], 0.5, lines[1:], 0.5, 0)
    whole[first + 1 : first + 2 * len(means) : 2] = means
    whole[:first] = lines[0]
    whole[first + 2 * len(lines) - 1 :] = lines[-1]
    return whole


def pictures(luma: np.ndarray, top_first: bool | None) -> list[tuple[np.ndarray, slice]]:
    """Luma ``(H, W)`` of each moment of a frame, in their order, and which lines are its own; one if no fields."""
    if top_first is None:
        return [(luma, slice(None))]
    return [(filled(luma, line), slice(line, None, 2)) for line in ((0, 1) if top_first else (1, 0))]


class Mark:
    """Marks frames as interlaced in this order or progressive, and with the aspect of a pixel: encoders write it."""

    def __init__(self, top_first: bool | None, aspect: Fraction | None = None):
        order = {True: "tff", False: "bff", None: "prog"}[top_first]
        square = aspect or Fraction(0, 1)
        self.work = {
            interlaced: (("setfield", f"mode={mode}"), ("setsar", f"{square.numerator}/{square.denominator}"))
            for interlaced, mode in ((True, order), (False, "prog"))
        }
        self.graphs: dict[bool, Graph] = {}

    def __call__(self, frame: VideoFrame, interlaced: bool) -> VideoFrame:
        """The same frame, marked."""
        if interlaced not in self.graphs:
            self.graphs[interlaced] = _graph(frame, *self.work[interlaced])
        base, graph = frame.time_base, self.graphs[interlaced]
        pts, frame.time_base = frame.pts, _TICKS
        graph.push(frame)
        marked = _pulled(graph)
        marked.pts, marked.time_base = pts, base
        return marked


def deinterlaced(frames: Iterator[VideoFrame], top_first: bool | None, flagged: bool) -> Iterator[VideoFrame]:
    """One progressive frame of each planar one, at its time, by FFmpeg's bwdif; all, or those ``flagged`` alone."""
    order = {True: "tff", False: "bff", None: "auto"}[None if flagged else top_first]
    graph: Graph | None = None
    waiting = deque[tuple[int | None, Fraction | None]]()
    for number, frame in enumerate(frames):
        waiting.append((frame.pts, frame.time_base))
        frame = _for_filter(frame)
        if graph is None:
            graph = _graph(frame, ("bwdif", f"send_frame:{order}:{'interlaced' if flagged else 'all'}"))
        frame.pts, frame.time_base = number, _TICKS
        graph.push(frame)
        yield from _timed(graph, waiting)
    if graph is not None:
        graph.push(None)
        yield from _timed(graph, waiting)


def _timed(graph: Graph, waiting: deque[tuple[int | None, Fraction | None]]) -> Iterator[VideoFrame]:
    with suppress(av.BlockingIOError, av.EOFError):
        while True:
            frame = _pulled(graph)
            frame.pts, frame.time_base = waiting.popleft()
            yield frame


def _pulled(graph: Graph) -> VideoFrame:
    return cast(VideoFrame, graph.pull())  # no filter here has to do with sound


def _for_filter(frame: VideoFrame) -> VideoFrame:
    """A frame of a format that bwdif takes as it is: no sample of luma may be computed on the way there."""
    if frame.format.name not in _FILTER_LACKS:
        return frame
    coding = coding_of(frame)
    wide = frame.reformat(format=f"yuv444p{coding.depth}le")
    for plane in wide.planes[1:]:
        samples(plane, coding.depth)[:] = 2 ** (coding.depth - 1)
    samples(wide.planes[0], coding.depth)[:] = samples(frame.planes[0], coding.depth)
    wide.color_range = 2 if coding.full else 1
    return wide


def _graph(like: VideoFrame, *work: tuple[str, str]) -> Graph:
    """Filters, one after the other, for frames like this one."""
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(width=like.width, height=like.height, format=like.format, time_base=_TICKS)
    filters = [graph.add(name, options or None) for name, options in work]
    graph.link_nodes(source, *filters, graph.add("buffersink")).configure()
    return graph
