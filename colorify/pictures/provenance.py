"""That a picture was coloured, said in its XMP: IPTC's digital source type, the program, the model and the knobs.

IPTC Photo Metadata Standard 2025.1; https://cv.iptc.org/newscodes/digitalsourcetype/. Nothing of an existing packet but
these properties is touched.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape, unescape

from colorify.pictures.picture import Metadata

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""Made in part by a trained algorithm: the colours are, the luminance is not."""

_IPTC, _OWN = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "urn:colorify:xmp:1.0/"
_OURS = ("DigitalSourceType", "AISystemUsed", "AISystemVersionUsed", "Knobs")
_EMPTY = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
_LONGEST = 65502  # bytes of a packet in a JPEG (XMP specification, part 3)


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


def stated(xmp: bytes | None) -> dict[str, str]:
    """What `marked` has put into a packet; empty for others."""
    text = (xmp or b"").decode("utf-8", "replace")
    found = {name: re.search(rf'\b[\w.-]+:{name}="([^"]*)"', text) for name in _OURS}
    return {name: unescape(match[1]) for name, match in found.items() if match}


def _with(packet: bytes, told: dict[str, str], knobs: str) -> bytes | None:
    """A packet with one more description; of the padding before its end, as much goes as there is to say."""
    try:
        text = packet.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return None
    text = _without(text)
    at = text.rfind("</rdf:RDF>")
    if at < 0:
        text, opened = re.subn(r"(<rdf:RDF\b[^>]*?)/>", r"\1></rdf:RDF>", text, count=1)
        at = text.rfind("</rdf:RDF>") if opened else -1
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
