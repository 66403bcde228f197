"""Pictures of pictures: labelled grids of what was, what is seen, and what came out."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

_MARGIN, _TITLE = 4, 18


def grid(columns: dict[str, Sequence[Image.Image]], width: int | None = None) -> Image.Image:
    """One column for each title, one row for each picture; ``width`` scales every picture to that many pixels."""
    rows = list(zip(*columns.values(), strict=True))
    if width:
        rows = [[_scaled(picture, width) for picture in row] for row in rows]
    widths = [max(picture.width for picture in column) for column in zip(*rows, strict=True)]
    heights = [max(picture.height for picture in row) for row in rows]
    size = (sum(widths) + _MARGIN * (len(widths) + 1), sum(heights) + _MARGIN * (len(heights) + 1) + _TITLE)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    left = _MARGIN
    for number, (title, column_width) in enumerate(zip(columns, widths, strict=True)):
        draw.text((left, _MARGIN / 2), title, "black", font)
        top = _TITLE + _MARGIN
        for row, height in zip(rows, heights, strict=True):
            sheet.paste(row[number].convert("RGB"), (left, top))
            top += height + _MARGIN
        left += column_width + _MARGIN
    return sheet


def side_by_side(*pictures: Image.Image) -> Image.Image:
    """Pictures of one height in a row."""
    row = Image.new(pictures[0].mode, (sum(p.width for p in pictures), pictures[0].height))
    left = 0
    for picture in pictures:
        row.paste(picture, (left, 0))
        left += picture.width
    return row


def _scaled(picture: Image.Image, width: int) -> Image.Image:
    height = max(1, round(picture.height * width / picture.width))
    return picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
