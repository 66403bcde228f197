"""That a picture was coloured, said in its XMP: IPTC's digital source type, the program, the model and the knobs.

IPTC Photo Metadata Standard 2025.1; https://cv.iptc.org/newscodes/digitalsourcetype/. Nothing of an existing packet but
these properties is touched.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape, unescape

import cv2
import numpy as np

from colorify.pictures.picture import Metadata, Picture, turn_back
from colorify.version import __version__

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""Made in part by a trained algorithm: the colours are, the luminance is not."""

_IPTC, _OWN = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "urn:colorify:xmp:1.0/"
_OURS = ("DigitalSourceType", "AISystemUsed", "AISystemVersionUsed", "Knobs")
_RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
"""
_EMPTY = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">{_RDF}</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
_BADGE, _SENTENCE = "colorized", "Its colors were made by colorify "
_LONGEST = 65502  # bytes of a packet in a JPEG (XMP specification, part 3)


def signed(picture: Picture, model: str, knobs: str = "") -> Picture:
    """The picture with the statement in its metadata."""
    return replace(picture, metadata=marked(picture.metadata, model, __version__, knobs))


def badged(picture: Picture) -> Picture:
    """The picture with a small mark in its lower right corner; nothing where there is no room for one."""
    width, height = picture.size[:: -1 if picture.orientation >= 5 else 1]
    scale = max(0.35, min(width, height) / 1400)
    (wide, high), below = cv2.getTextSize(_BADGE, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    if wide + 2 * high > width or 4 * high > height:
        return picture
    place, line = (width - wide - high, height - high - below), max(1, round(scale))
    shape = (height, width)
    dark, light = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    cv2.putText(dark, _BADGE, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 150, 3 * line, cv2.LINE_AA)
    cv2.putText(light, _BADGE, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 230, line, cv2.LINE_AA)
    shade, shine = (turn_back(mask, picture.orientation)[..., None] / np.float32(255) for mask in (dark, light))
    top = np.iinfo(picture.pixels.dtype).max if picture.pixels.dtype.kind == "u" else 1
    drawn = picture.pixels * (1 - shade) * (1 - shine) + top * shine
    return replace(picture, pixels=(drawn + (0.5 if top > 1 else 0)).astype(picture.pixels.dtype))


def marked(metadata: Metadata, model: str, version: str, knobs: str = "") -> Metadata:
    """The same with the statement that a model of this name and version coloured the picture, by these knobs.

    A packet that cannot be read stays as it is, with a warning.
    """
    told = {"DigitalSourceType": SOURCE_TYPE, "AISystemUsed": f"colorify {model}", "AISystemVersionUsed": version}
    packet = _with(metadata.xmp or _EMPTY.encode(), told, knobs)
    if packet is None or (len(packet) > _LONGEST >= len(metadata.xmp or b"")):
        warning = "its XMP has no room or cannot be read: it does not say that the picture was coloured"
        return replace(metadata, warnings=(*metadata.warnings, warning))
    return replace(metadata, xmp=packet)


def sentence(knobs: str = "") -> str:
    """The statement as a sentence, for files without XMP."""
    by = f" ({knobs})" if knobs else ""
    return f"{_SENTENCE}{__version__}{by}. Digital source type: {SOURCE_TYPE}"


def with_sentence(comment: str, knobs: str = "") -> str:
    """A comment with the statement behind what it said, once."""
    before = comment.partition(_SENTENCE)[0].rstrip()
    return f"{before}\n{sentence(knobs)}" if before else sentence(knobs)


def unsaid(kind: str) -> str:
    """What there is to say of a format, by its name, that has no place for the statement."""
    return f"{kind} has no place to say that a picture was coloured"


def stated(xmp: bytes | None) -> dict[str, str]:
    """What `marked` has put into a packet; empty for others."""
    text = (xmp or b"").decode("utf-8", "replace")
    found = {name: re.search(rf'\b[\w.-]+:{name}="([^"]*)"', text) for name in _OURS}
    return {name: unescape(match[1]) for name, match in found.items() if match}


def is_own(xmp: bytes) -> bool:
    """Whether a packet says nothing but what `marked` has put into it."""
    return _without(xmp.decode("utf-8", "replace")) == _EMPTY


def _with(packet: bytes, told: dict[str, str], knobs: str) -> bytes | None:
    """A packet with one more description; of the padding before its end, as much goes as there is to say."""
    try:
        text = packet.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return None
    text = _without(text)
    if "<rdf:RDF" not in text:
        text = re.sub(r"(<x:xmpmeta\b[^>]*?)/>", r"\1></x:xmpmeta>", text, count=1)
        text = text.replace("</x:xmpmeta>", f"{_RDF}</rdf:RDF></x:xmpmeta>", 1)
    text = re.sub(r"(<rdf:RDF\b[^>]*?)/>", r"\1></rdf:RDF>", text, count=1)
    at = text.rfind("</rdf:RDF>")
    if at < 0:
        return None
    about = re.search(r'\brdf:about=("[^"]*"|\'[^\']*\')', text)
    names = [f'Iptc4xmpExt:{name}="{escape(value)}"' for name, value in told.items()]
    names += [f'colorify:Knobs="{escape(knobs)}"'] if knobs else []
    said = " ".join(names)
    block = f'<rdf:Description rdf:about={about[1] if about else chr(34) * 2} xmlns:Iptc4xmpExt="{_IPTC}"'
    block += f' xmlns:colorify="{_OWN}" {said}/>\n'
    end = text.rfind("<?xpacket end=")
    if end > at:
        padding = len(text[:end]) - len(text[:end].rstrip())
        text = text[: end - min(max(padding - 1, 0), len(block.encode()))] + text[end:]
    return (text[:at] + block + text[at:]).encode()


def _without(text: str) -> str:
    """A packet without these properties, as attributes or as elements, and without a description of ours."""
    text = re.sub(rf'<rdf:Description\b[^>]*\bxmlns:colorify="{re.escape(_OWN)}"[^>]*/>\n?', "", text)
    prefix = re.search(rf'xmlns:([\w.-]+)=["\']{re.escape(_IPTC)}["\']', text)
    if prefix:
        for name in _OURS[:-1]:
            own = f"{re.escape(prefix[1])}:{name}"
            text = re.sub(rf'\s{own}=("[^"]*"|\'[^\']*\')', "", text)
            text = re.sub(rf"\s*<{own}\b[^>]*?(/>|>.*?</{own}>)", "", text, flags=re.DOTALL)
    return text
