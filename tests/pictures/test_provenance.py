"""A picture says that it was coloured, and its own XMP stays."""

import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from colorify import batch, pictures
from colorify.batch import BatchOptions
from colorify.cli import app
from colorify.inputs import Job
from colorify.knobs import Knobs
from colorify.models import checkpoint as checkpoints
from colorify.pictures import FORMATS, TABLE, layers
from colorify.pictures.picture import Metadata, Picture
from colorify.pictures.provenance import SOURCE_TYPE, badged, marked, stated, with_sentence
from conftest import photo

WRITABLE = [row for row in TABLE if row.depths]

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


@pytest.mark.parametrize("inside", ['<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>', ""])
def test_an_empty_packet_is_opened(inside):
    for given in (f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{inside}</x:xmpmeta>', '<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'):
        done = marked(Metadata(xmp=given.encode()), "highres", "0.1.0")
        assert stated(done.xmp)["DigitalSourceType"] == SOURCE_TYPE and not done.warnings
        ET.fromstring(done.xmp.decode())


def test_results_say_it_in_every_format_that_holds_xmp(colorizer, tmp_path):
    from colorify.pictures import read

    for row in WRITABLE:
        target = tmp_path / f"a{row.suffixes[0]}"
        photo(0).save(tmp_path / "in.png")
        said = batch.colorize_file(colorizer, Job(tmp_path / "in.png", target), BatchOptions(Knobs(saturation=0.5)))
        assert said == ([] if "xmp" in row.holds else [f"{row.name} has no place to say that a picture was coloured"])
        told = stated(read(target).metadata.xmp)
        assert (told.get("Knobs") == "saturation=0.5") == ("xmp" in FORMATS[row.suffixes[0]].holds), row.name


@pytest.mark.skipif(not shutil.which("exiftool"), reason="needs ExifTool: apt install libimage-exiftool-perl")
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
def test_exiftool_reads_it(colorizer, tmp_path, suffix):
    photo(0).save(tmp_path / "in.png")
    batch.colorize_file(colorizer, Job(tmp_path / "in.png", tmp_path / f"a.{suffix}"), BatchOptions())
    command = ["exiftool", "-s3", "-XMP-iptcExt:DigitalSourceType", tmp_path / f"a.{suffix}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == SOURCE_TYPE


def test_who_does_not_want_it_has_it_not(colorizer, tmp_path):
    photo(0).save(tmp_path / "in.png")
    job = Job(tmp_path / "in.png", tmp_path / "a.png")
    batch.colorize_file(colorizer, job, BatchOptions(Knobs(provenance=False)))
    assert pictures.read(job.target).metadata.xmp is None


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_badge_lies_in_the_lower_right_corner_of_the_upright_picture(dtype, orientation):
    top = np.iinfo(dtype).max if dtype != np.float32 else 1
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain = Picture(np.full((300, 400, 3), top // 2 or 0.5, dtype), metadata=Metadata(exif))
    marked_one = pictures.upright(badged(plain)).pixels
    there = np.argwhere((marked_one != plain.pixels.flat[0]).any(-1))
    height, width = marked_one.shape[:2]
    assert there[:, 0].min() > 0.8 * height and there[:, 1].min() > 0.6 * width and marked_one.dtype == dtype
    assert marked_one.max() > 0.85 * top


def test_a_picture_without_room_has_no_badge():
    tiny = Picture(np.zeros((20, 30, 3), np.uint8))
    assert badged(tiny) is tiny


def test_a_comment_says_it_once_behind_what_it_said():
    once = with_sentence("Filmed by Alice Guy", "saturation=1.2")
    assert once.startswith("Filmed by Alice Guy\n") and "(saturation=1.2)" in once and SOURCE_TYPE in once
    assert with_sentence(once, "blur=2.0").count("Digital source type") == 1
    assert with_sentence(with_sentence("")) == with_sentence("")


def mark(path: Path) -> dict[str, str]:
    """What a result of any format says of its coloring."""
    if path.suffix == layers.OPEN_RASTER:
        with zipfile.ZipFile(path) as file:
            return stated(file.read(layers.XMP)) if layers.XMP in file.namelist() else {}
    return stated(list(pictures.pages(path))[-1].metadata.xmp)


@pytest.mark.parametrize("suffix", [*(row.suffixes[0] for row in WRITABLE), layers.OPEN_RASTER])
@pytest.mark.parametrize("said", [True, False])
def test_every_format_holds_the_mark_or_is_named_before_the_work(suffix, said, checkpoint, tmp_path):
    checkpoints.save(checkpoint, tmp_path / "model.safetensors")
    photo(0).save(tmp_path / "in.png")
    for command in ("image", "bulk"):
        out = tmp_path / f"{command}/in{suffix}"
        if command == "bulk":  # results keep the suffixes of their sources
            if suffix == layers.OPEN_RASTER:
                continue
            pictures.write(pictures.read(tmp_path / "in.png"), source := tmp_path / f"in{suffix}", overwrite=True)
        told = (
            [str(tmp_path / "in.png"), "-o", str(out)] if command == "image" else [str(source), "-o", str(out.parent)]
        )
        told += ["--model", str(tmp_path / "model.safetensors"), *([] if said else ["--no-provenance"])]
        result = CliRunner().invoke(app, [command, *told])
        assert result.exit_code == 0, result.output
        named = f"{FORMATS[suffix].name} has no place to say" if suffix in FORMATS else "nothing"
        lines = [line for line in result.stderr.splitlines() if "no place to say" in line]
        assert (mark(out).get("DigitalSourceType") == SOURCE_TYPE) == (said and not lines)
        assert [named in line for line in lines] == [True] * (said and suffix == ".bmp")


def test_only_the_color_of_a_file_of_layers_says_it(colorizer, tmp_path):
    photo(0).convert("L").save(tmp_path / "in.png")
    for name in ("a.tif", "a.ora"):
        batch.colorize_file(colorizer, Job(tmp_path / "in.png", tmp_path / name), BatchOptions(layers=True))
    below, above = pictures.pages(tmp_path / "a.tif")
    assert stated(above.metadata.xmp) and not stated(below.metadata.xmp)
    with zipfile.ZipFile(tmp_path / "a.ora") as file:
        below, above = (pictures.decode(file.read(f"data/{name}.png"), name) for name in ("gray", "color"))
        assert file.namelist()[0] == "mimetype" and file.namelist()[-1] == layers.XMP
    assert stated(above.metadata.xmp) and not stated(below.metadata.xmp)


def test_python_is_told_by_write(colorizer, tmp_path):
    (result,) = colorizer.colorize([pictures.from_array(np.asarray(photo(0)))])
    assert pictures.write(result, tmp_path / "a.bmp") == ("BMP has no place to say that a picture was coloured",)
    assert pictures.write(result, tmp_path / "a.png") == ()
