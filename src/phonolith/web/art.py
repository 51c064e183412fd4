"""Covers: a picture drawn from an id where there is none, and small versions of held pictures.

A drawn cover shows what the archive is named after: a field of basalt columns seen from above, lit by sound that
spreads over it from two or three points. Points, wave lengths and colours follow from the id alone, so the same thing
has the same face in every build and every mirror.
"""

from __future__ import annotations

import hashlib
import io
import math
import random
from collections.abc import Callable, Iterator

from PIL import Image, ImageDraw, ImageOps

#: Edge lengths in pixels that a cover can be asked for.
SIZES = (96, 256, 640)

#: Pixels of a held picture beyond which it is not opened (it would not fit a page anyway).
MOST_PIXELS = 60_000_000

_QUALITY = 68
_TONES = 14
# Stone and light: pairs of (dark, light) that keep white and black text legible beside them.
_PALETTES = (
    ((24, 27, 33), (238, 164, 88)),
    ((20, 32, 41), (126, 199, 196)),
    ((36, 24, 34), (233, 132, 118)),
    ((22, 34, 28), (180, 201, 116)),
    ((30, 27, 48), (168, 156, 232)),
    ((44, 26, 20), (244, 190, 128)),
    ((17, 35, 48), (240, 206, 132)),
    ((38, 22, 28), (226, 158, 178)),
    ((26, 30, 30), (206, 198, 178)),
    ((16, 30, 52), (120, 170, 236)),
    ((40, 32, 18), (232, 196, 84)),
    ((20, 38, 38), (232, 150, 104)),
)


def drawn(identifier: str, size: int) -> bytes:
    """A WebP of ``size`` x ``size`` pixels that follows from the identifier alone."""
    dice = random.Random(hashlib.sha256(f"phonolith art {identifier}".encode()).digest())  # noqa: S311 - not a secret
    dark, light = dice.choice(_PALETTES)
    scale = 2 if size < 640 else 1
    edge = size * scale
    picture = Image.new("P", (edge, edge), 0)
    picture.putpalette(_tones(dark, light))
    pen = ImageDraw.Draw(picture)
    height = _waves(dice)
    for x, y, radius in _columns(edge, dice):
        _column(pen, x, y, radius, height(x / edge, y / edge))
    return _webp(picture.convert("RGB").resize((size, size), Image.Resampling.BOX))


def small(path: str, sha256: str, size: int) -> bytes | None:
    """A held picture as a WebP of ``size`` x ``size`` pixels, cropped to its middle; None if it cannot be read.

    Only the common still formats are opened, and nothing of beyond :data:`MOST_PIXELS`. ``sha256`` is there to key what
    is remembered: a path alone does not say which bytes it has.
    """
    try:
        with Image.open(path, formats=("JPEG", "PNG", "GIF", "WEBP")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            picture.draft("RGB", (size, size))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            return _webp(ImageOps.fit(upright, (size, size), Image.Resampling.LANCZOS))
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError):
        return None


def _tones(dark: tuple[int, int, int], light: tuple[int, int, int]) -> list[int]:
    """The palette: faces from dark to light, then their lit and their shaded edges."""
    faces = [
        tuple(round(a + (b - a) * (step / (_TONES - 1)) ** 1.35) for a, b in zip(dark, light, strict=True))
        for step in range(_TONES)
    ]
    lit = [tuple(min(255, round(c * 1.14 + 10)) for c in face) for face in faces]
    shaded = [tuple(round(c * 0.72) for c in face) for face in faces]
    return [channel for tone in (*faces, *lit, *shaded, tuple(round(c * 0.55) for c in dark)) for channel in tone]


def _waves(dice: random.Random) -> Callable[[float, float], float]:
    """How high the stone stands at a point of the unit square, 0 to 1: waves from a few points, added."""
    points = [
        (dice.uniform(-0.2, 1.2), dice.uniform(-0.2, 1.2), dice.uniform(7, 17), dice.uniform(0, math.tau))
        for _ in range(dice.choice((2, 2, 3)))
    ]

    def height(x: float, y: float) -> float:
        total = sum(math.cos(math.hypot(x - px, y - py) * rate + phase) for px, py, rate, phase in points)
        return 0.5 + 0.5 * total / len(points)

    return height


def _columns(edge: int, dice: random.Random) -> Iterator[tuple[float, float, float]]:
    """Centres and radius of the columns that cover the square."""
    radius = edge / dice.choice((13, 15, 18))
    step, row = radius * math.sqrt(3), 0
    y = -radius
    while y < edge + radius:
        x = -step / 2 * (row % 2)
        while x < edge + step:
            yield x, y, radius
            x += step
        y += radius * 1.5
        row += 1


def _column(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, height: float) -> None:
    tone = min(_TONES - 1, int(height * _TONES))
    corners = [
        (x + radius * math.sin(turn * math.pi / 3), y - radius * math.cos(turn * math.pi / 3)) for turn in range(6)
    ]
    inner = [(x + (cx - x) * 0.86, y + (cy - y) * 0.86) for cx, cy in corners]
    pen.polygon(corners, fill=2 * _TONES + tone)
    lit = [corners[3], corners[4], corners[5], corners[0], inner[0], inner[5], inner[4], inner[3]]
    pen.polygon(lit, fill=_TONES + tone)
    pen.polygon(inner, fill=tone)


def _webp(picture: Image.Image) -> bytes:
    """Half the bytes of JPEG or PNG at the same look, and these are most of the weight of a page."""
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=_QUALITY, method=4)
    return out.getvalue()
