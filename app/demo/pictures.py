"""Pictures for the demo's files: a drawn scene, so that nobody's street is in them."""

import io
from random import Random

from PIL import Image, ImageDraw

from app.demo.chance import below

SIZE = (320, 240)


def drawn(dice: Random) -> bytes:
    """A PNG of a sky, some houses and a street."""
    picture = Image.new("RGB", SIZE, (150 + below(dice, 80), 190 + below(dice, 50), 235))
    pen = ImageDraw.Draw(picture)
    left = 0
    while left < SIZE[0]:
        width, height = 30 + below(dice, 50), 50 + below(dice, 110)
        colour = tuple(110 + below(dice, 110) for _ in range(3))
        pen.rectangle((left, 190 - height, left + width, 190), fill=colour)
        left += width + 4
    pen.rectangle((0, 190, *SIZE), fill=(90, 90, 95))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
