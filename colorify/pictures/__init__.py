"""Picture files and what they carry besides pixels: 8 and 16 bit, floats, alpha, pages, metadata, profiles.

Pixels stay in the order of the file, and so does the orientation tag, but for TIFF, which is turned upright.
"""

from colorify.pictures import graft, layers
from colorify.pictures.formats import FORMATS, SUFFIXES, TABLE, Format, open_image
from colorify.pictures.picture import (
    Metadata,
    Picture,
    PictureError,
    beside,
    from_array,
    to_array,
    to_pil,
    turn,
    turn_back,
    upright,
)
from colorify.pictures.profiles import as_srgb, colored, space_of
from colorify.pictures.provenance import badged, signed
from colorify.pictures.read import MAX_MEGAPIXELS, Pages, decode, from_pil, pages, read
from colorify.pictures.taken import is_tensor, taken
from colorify.pictures.write import check_target, write, write_grafted, write_pages, written_as

__all__ = [
    "FORMATS",
    "MAX_MEGAPIXELS",
    "SUFFIXES",
    "TABLE",
    "Format",
    "Metadata",
    "Pages",
    "Picture",
    "PictureError",
    "as_srgb",
    "badged",
    "beside",
    "check_target",
    "colored",
    "decode",
    "from_array",
    "from_pil",
    "graft",
    "is_tensor",
    "layers",
    "open_image",
    "pages",
    "read",
    "signed",
    "space_of",
    "taken",
    "to_array",
    "to_pil",
    "turn",
    "turn_back",
    "upright",
    "write",
    "write_grafted",
    "write_pages",
    "written_as",
]
