"""A picture says that it was coloured, and its own XMP stays."""

import xml.etree.ElementTree as ET

import pytest

from colorify.pictures.picture import Metadata
from colorify.pictures.provenance import SOURCE_TYPE, marked, stated

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
TITLE = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="uuid:1" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg">
<dc:creator><rdf:Seq><rdf:li>Grete Stern</rdf:li></rdf:Seq></dc:creator></rdf:Description>
{more}</rdf:RDF></x:xmpmeta>
{padding}<?xpacket end="w"?>"""
CAPTURED = f"""<rdf:Description rdf:about="uuid:1" xmlns:ext="{IPTC[1:-1]}">
<ext:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/print</ext:DigitalSourceType>
<ext:PersonInImage><rdf:Bag><rdf:li>A</rdf:li></rdf:Bag></ext:PersonInImage></rdf:Description>"""


def descriptions(xmp: bytes) -> list[ET.Element]:
    return list(ET.fromstring(xmp.decode().partition("?>")[2].rpartition("<?")[0]).iter(f"{RDF}Description"))


def packet(more: str = "", padding: str = "") -> bytes:
    return TITLE.format(more=more, padding=padding).encode()


@pytest.mark.parametrize("given", [None, packet(), packet(CAPTURED), packet(padding=" " * 2000), packet() + bytes(9)])
def test_the_statement_is_there_once_and_the_rest_stays(given):
    once = marked(Metadata(xmp=given), "highres", "0.1.0", 'saturation=1.2 "quoted" <&>')
    again = marked(once, "lowres", "0.2.0")
    for done, model in ((once, "highres"), (again, "lowres")):
        assert not done.warnings
        told = [each for each in descriptions(done.xmp) if each.get(f"{IPTC}DigitalSourceType")]
        assert [each.get(f"{IPTC}DigitalSourceType") for each in told] == [SOURCE_TYPE]
        assert told[0].get(f"{IPTC}AISystemUsed") == f"colorify {model}"
        assert done.xmp.count(b"DigitalSourceType") == 1
        if given:
            assert b"Grete Stern" in done.xmp and told[0].get(f"{RDF}about") == "uuid:1"
            assert (b"PersonInImage" in done.xmp) == (b"PersonInImage" in given)
    assert stated(once.xmp)["Knobs"].startswith("saturation=1.2") and "Knobs" not in stated(again.xmp)
    assert stated(given) == {}


def test_padding_makes_room():
    given = packet(padding=" " * 2000)
    assert len(marked(Metadata(xmp=given), "highres", "0.1.0").xmp) == len(given)


@pytest.mark.parametrize("given", [b"\xff\xfe<\0", b"nothing", b"<x:xmpmeta>", packet("<!--" + "-" * 65_000 + "-->")])
def test_a_packet_without_room_or_sense_stays(given):
    done = marked(Metadata(xmp=given), "highres", "0.1.0")
    assert done.xmp == given and "does not say that the picture was coloured" in done.warnings[0]


def test_an_empty_list_is_opened():
    given = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
    assert stated(marked(Metadata(xmp=given), "highres", "0.1.0").xmp)["DigitalSourceType"] == SOURCE_TYPE
