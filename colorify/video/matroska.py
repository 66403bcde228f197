"""What FFmpeg knows to write into a film, and PyAV not to say: said through the elements of Matroska."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream

from colorify.video.sidedata import STEREO, Mastering, View

_SEGMENT, _SEEKHEAD, _SEEK, _INFO, _TRACKS = 0x18538067, 0x114D9B74, 0x4DBB, 0x1549A966, 0x1654AE6B
_TRACK, _KIND, _VIDEO, _VOID, _CRC = 0xAE, 0x83, 0xE0, 0xEC, 0xBF
_SEEK_ID, _SEEK_PLACE = 0x53AB, 0x53AC
_WIDTH, _HEIGHT, _UNIT = 0x54B0, 0x54BA, 0x54B2
_HEAD = 1 << 22  # bytes, in which all that stands before the pictures is sought

Element = tuple[int, int, int, int]
"""Its identity, where it begins, where its content does, and where it ends."""


def told(stream: VideoStream, packet: Packet, view: View) -> VideoStream:
    """A stream to write ones like this after, that says how its pictures are to be seen; ``packet`` is one of it.

    FFmpeg reads it from a header of Matroska, and writes it into any container that can say it.
    """
    buffer = _Stream()
    with av.open(buffer, "w", format="matroska") as out:
        packet.stream = out.add_stream_from_template(stream, opaque=True)
        out.mux(packet)
    head = bytes(buffer.content)
    (segment,) = (one for one in _within(head, 0, len(head)) if one[0] == _SEGMENT)
    tracks = next(one for one in _before_pictures(head, segment) if one[0] == _TRACKS)
    grown = _with_shape(head, tracks, _elements(view))
    return av.open(io.BytesIO(head[: tracks[1]] + grown + head[tracks[3] :])).streams.video[0]


class _Stream:
    """What is written, and no way back: nothing in it says where the rest is."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, content: bytes) -> int:
        self.content += content
        return len(content)


def _elements(view: View) -> bytes:
    parts = [_uint(0x53B8, STEREO[view.stereo])] if view.stereo else []
    if view.projection is not None:
        kind, *angles = view.projection
        poses = zip((0x7673, 0x7674, 0x7675), angles, strict=True)  # yaw, pitch, roll
        parts.append(
            _element(0x7670, _uint(0x7671, int(kind)) + b"".join(_float(name, angle) for name, angle in poses))
        )
    if view.mastering is not None:
        parts.append(_element(0x55B0, _light(view.mastering)))
    return b"".join(parts)


def _light(found: Mastering) -> bytes:
    parts = [_uint(name, value) for name, value in zip((0x55BC, 0x55BD), found.content or (), strict=False)]
    inner = [_float(0x55D1 + number, value) for number, value in enumerate(found.points)]
    if found.lights:
        inner += [_float(0x55D9, found.lights[1]), _float(0x55DA, found.lights[0])]
    return b"".join([*parts, *([_element(0x55D0, b"".join(inner))] if inner else [])])


def _float(name: int, value: float) -> bytes:
    return _element(name, struct.pack(">d", value))


def set_aspect(path: Path, size: tuple[int, int], aspect: Fraction) -> bool:
    """Say in a finished file how wide the pixels of its picture of this size are; whether there was room to say it.

    The room is what FFmpeg reserves before the header, which moves into it: nothing behind the header moves.
    """
    with open(path, "r+b") as file:
        head = file.read(_HEAD)
        (segment,) = (one for one in _within(head, 0, len(head)) if one[0] == _SEGMENT)
        front = _before_pictures(head, segment)
        if [one[0] for one in front[:4]] != [_SEEKHEAD, _VOID, _INFO, _TRACKS]:
            return False
        seekhead, void, info, tracks = front[:4]
        shown = _uint(_WIDTH, round(size[0] * aspect)) + _uint(_HEIGHT, size[1])
        grown = _with_shape(head, tracks, shown)
        shift = len(grown) - (tracks[3] - tracks[1])
        room = void[3] - void[1] - shift
        if room < 9:
            return False
        moved = {_INFO: info[1] - shift - segment[2], _TRACKS: tracks[1] - shift - segment[2]}
        empty = _element(_VOID, bytes(room - 9), 8)
        file.seek(seekhead[1])
        file.write(_found_at(head, seekhead, moved) + empty + head[info[1] : info[3]] + grown)
    return True


def _number(content: bytes, at: int, is_id: bool) -> tuple[int, int]:
    """A number of EBML and its length."""
    length = 9 - content[at].bit_length()
    value = int.from_bytes(content[at : at + length], "big")
    return value if is_id else value & ((1 << 7 * length) - 1), length


def _within(content: bytes, start: int, end: int) -> list[Element]:
    found = []
    while start < end and content[start]:
        name, first = _number(content, start, True)
        size, second = _number(content, start + first, False)
        inside = start + first + second
        found.append((name, start, inside, inside + size))
        start = inside + size
    return found


def _before_pictures(content: bytes, segment: Element) -> list[Element]:
    found: list[Element] = []
    at = segment[2]
    while len(found) < 4 and at < len(content):
        (one, *_) = _within(content, at, at + 1)
        found.append(one)
        at = one[3]
    return found


def _element(name: int, content: bytes, length: int = 0) -> bytes:
    """An element; ``length``: bytes of its size, at the least."""
    while len(content) >= (1 << 7 * length) - 1:
        length += 1
    size = len(content) | 1 << 7 * length
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + size.to_bytes(length, "big") + content


def _uint(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes((value.bit_length() + 7) // 8 or 1, "big"))


def _rebuilt(content: bytes, element: Element, parts: list[bytes]) -> bytes:
    """An element of other parts; its checksum, if it had one, made anew."""
    name, start, inside, end = element
    inner = b"".join(parts)
    if _within(content, inside, end)[0][0] == _CRC:
        inner = _element(_CRC, zlib.crc32(inner).to_bytes(4, "little")) + inner
    return _element(name, inner, inside - start - (name.bit_length() + 7) // 8)


def _children(content: bytes, element: Element) -> list[Element]:
    return [one for one in _within(content, *element[2:]) if one[0] != _CRC]


def _raw(content: bytes, element: Element) -> bytes:
    return content[element[1] : element[3]]


def _with_shape(content: bytes, tracks: Element, shown: bytes) -> bytes:
    """The tracks, whose first video has a shape."""
    parts, done = [], False
    for track in _children(content, tracks):
        inner = _children(content, track)
        kind = next((content[one[2]] for one in inner if one[0] == _KIND), 0)
        if kind != 1 or done:
            parts.append(_raw(content, track))
            continue
        done = True
        shaped = [_shaped(content, one, shown) if one[0] == _VIDEO else _raw(content, one) for one in inner]
        parts.append(_rebuilt(content, track, shaped))
    return _rebuilt(content, tracks, parts)


def _shaped(content: bytes, video: Element, shown: bytes) -> bytes:
    new = {one[0] for one in _within(shown, 0, len(shown))}
    new |= {_UNIT} if _WIDTH in new else set()
    kept = [_raw(content, one) for one in _children(content, video) if one[0] not in new]
    return _rebuilt(content, video, [*kept, shown])


def _found_at(content: bytes, seekhead: Element, places: dict[int, int]) -> bytes:
    """The list of what is where, with some other places."""
    parts = []
    for seek in _children(content, seekhead):
        name, place = _children(content, seek)
        what = int.from_bytes(content[name[2] : name[3]], "big")
        if what in places:
            length = place[3] - place[2]
            said = _element(_SEEK_PLACE, places[what].to_bytes(length, "big"))
            parts.append(_rebuilt(content, seek, [_raw(content, name), said]))
        else:
            parts.append(_raw(content, seek))
    return _rebuilt(content, seekhead, parts)
