"""Pictures of pictures: labelled grids of what was, what is seen, and what came out."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

_MARGIN, _TITLE = 4, 18


def grid(columns: dict[str, Sequence[Image.Image]]) -> Image.Image:
    """One column for each title, one row for each picture."""
    rows = list(zip(*columns.values(), strict=True))
    widths = [max(picture.width for picture in column) for column in columns.values()]
    heights = [max(picture.height for picture in row) for row in rows]
    size = (sum(widths) + _MARGIN * (len(widths) + 1), sum(heights) + _MARGIN * (len(heights) + 1) + _TITLE)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    left = _MARGIN
    for number, (title, width) in enumerate(zip(columns, widths, strict=True)):
        draw.text((left, _MARGIN / 2), title, "black", font)
        top = _TITLE + _MARGIN
        for row, height in zip(rows, heights, strict=True):
            sheet.paste(row[number].convert("RGB"), (left, top))
            top += height + _MARGIN
        left += width + _MARGIN
    return sheet


def side_by_side(*pictures: Image.Image) -> Image.Image:
    """Pictures of one height in a row."""
    row = Image.new(pictures[0].mode, (sum(p.width for p in pictures), pictures[0].height))
    left = 0
    for picture in pictures:
        row.paste(picture, (left, 0))
        left += picture.width
    return row
