"""Draws a cover for each release: an abstract picture from a seed, 600 pixels square, in the release's own colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIDE = 600  # pixels
_SCALE = 2  # drawn larger and reduced, for smooth edges
_FULL = SIDE * _SCALE

Colour = tuple[int, int, int]
Draw = ImageDraw.ImageDraw

_PALETTES: Mapping[str, tuple[Colour, Colour, Colour, Colour]] = {
    "columns": ((28, 34, 46), (84, 98, 120), (198, 176, 140), (238, 228, 208)),
    "gears": ((64, 32, 38), (168, 84, 62), (232, 176, 92), (250, 232, 196)),
    "pipes": ((22, 30, 58), (58, 76, 138), (156, 132, 196), (240, 222, 232)),
    "petals": ((74, 40, 62), (186, 96, 122), (244, 176, 182), (252, 238, 226)),
    "lanterns": ((10, 32, 44), (22, 86, 96), (92, 172, 140), (250, 214, 130)),
    "waves": ((18, 14, 34), (72, 36, 108), (222, 84, 120), (255, 190, 120)),
}


def draw(art: str, path: Path, *, seed: int) -> Path:
    """Draw the cover named ``art`` (one of :data:`ARTS`) into ``path``, PNG or JPEG by its suffix."""
    random = Random(f"{seed}/{art}")  # noqa: S311 - a picture, not a secret
    palette = _PALETTES[art]
    image = _gradient(palette[0], palette[1])
    ARTS[art](image, palette, random)
    image = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    image = _grain(_vignette(image), random)
    image.save(path, quality=90) if path.suffix == ".jpg" else image.save(path, optimize=True)
    return path


def _gradient(top: Colour, bottom: Colour) -> Image.Image:
    mask = Image.linear_gradient("L").resize((_FULL, _FULL))
    return Image.composite(Image.new("RGB", mask.size, bottom), Image.new("RGB", mask.size, top), mask)


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _glow(image: Image.Image, box: tuple[float, float, float, float], colour: Colour, blur: float) -> None:
    """Light of this colour from an ellipse."""
    light = Image.new("RGB", (_FULL // 4, _FULL // 4))
    ImageDraw.Draw(light).ellipse([value / 4 for value in box], fill=colour)
    light = light.filter(ImageFilter.GaussianBlur(blur / 4)).resize(image.size)
    image.paste(ImageChops.screen(image, light))


def _columns(image: Image.Image, palette: tuple[Colour, ...], random: Random) -> None:
    """Six-sided columns of stone of many heights before a low sun."""
    _glow(image, (_FULL * 0.52, _FULL * 0.16, _FULL * 0.82, _FULL * 0.46), palette[2], 90)
    ImageDraw.Draw(image).ellipse((_FULL * 0.57, _FULL * 0.21, _FULL * 0.77, _FULL * 0.41), fill=palette[3])
    pen = ImageDraw.Draw(image)
    for row in range(5):
        wide = _FULL / (13 - row * 1.6)
        shade = _mixed(palette[1], palette[0], row / 5)
        for place in range(-1, 15):
            x = place * wide * 0.98 + random.uniform(-4, 4)
            swell = 0.5 + 0.5 * math.sin(place * 0.7 + row * 1.9)
            top = _FULL * (0.34 + 0.13 * row + 0.16 * swell + random.uniform(-0.04, 0.04))
            _column(pen, x, top, wide, shade, palette[2], 0.32 - 0.05 * row)


def _column(pen: Draw, x: float, top: float, wide: float, shade: Colour, light: Colour, share: float) -> None:
    """One column: a lit and a dark face, and its six-sided top."""
    lift = wide * 0.22
    pen.polygon([(x, top), (x + wide * 0.6, top + lift), (x + wide * 0.6, _FULL), (x, _FULL)], fill=shade)
    bright = _mixed(shade, light, share)
    pen.polygon(
        [(x + wide * 0.6, top + lift), (x + wide, top), (x + wide, _FULL), (x + wide * 0.6, _FULL)], fill=bright
    )
    corners = [(x, top), (x + wide * 0.3, top - lift), (x + wide * 0.75, top - lift), (x + wide, top)]
    pen.polygon([*corners, (x + wide * 0.6, top + lift)], fill=_mixed(shade, light, share + 0.22))


def _gears(image: Image.Image, palette: tuple[Colour, ...], random: Random) -> None:
    """Toothed wheels that mesh, and the pins of a cylinder as rows of dots."""
    _glow(image, (_FULL * 0.1, _FULL * 0.1, _FULL * 0.9, _FULL * 0.9), _mixed(palette[1], palette[0], 0.4), 160)
    pen = ImageDraw.Draw(image)
    for row in range(26):
        for place in range(26):
            if random.random() < 0.22:
                x, y = (place + 0.5) * _FULL / 26, (row + 0.5) * _FULL / 26
                pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill=_mixed(palette[1], palette[2], random.random() * 0.6))
    wheels = (
        (0.36, 0.42, 0.27, 28, 2),
        (0.735, 0.65, 0.165, 17, 3),
        (0.66, 0.21, 0.10, 11, 1),
        (0.20, 0.84, 0.12, 13, 3),
    )
    for x, y, radius, teeth, colour in wheels:
        _wheel(pen, (x * _FULL, y * _FULL), radius * _FULL, teeth, palette[colour], palette[0], random.random())


def _wheel(
    pen: Draw, middle: tuple[float, float], radius: float, teeth: int, colour: Colour, dark: Colour, turn: float
) -> None:
    x, y = middle
    edge = []
    for step in range(teeth * 4):
        angle = (step + turn * 4) * math.pi / (teeth * 2)
        reach = radius * (1.0 if step % 4 in (0, 1) else 0.88)
        edge.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    pen.polygon(edge, fill=colour)
    for share, fill in ((0.72, _mixed(colour, dark, 0.25)), (0.66, colour), (0.30, _mixed(colour, dark, 0.45))):
        pen.ellipse((x - radius * share, y - radius * share, x + radius * share, y + radius * share), fill=fill)
    for spoke in range(5):
        angle = (spoke + turn) * math.tau / 5
        at, size = (x + 0.48 * radius * math.cos(angle), y + 0.48 * radius * math.sin(angle)), radius * 0.13
        pen.ellipse((at[0] - size, at[1] - size, at[0] + size, at[1] + size), fill=_mixed(colour, dark, 0.55))
    pen.ellipse((x - radius * 0.1, y - radius * 0.1, x + radius * 0.1, y + radius * 0.1), fill=dark)


def _pipes(image: Image.Image, palette: tuple[Colour, ...], random: Random) -> None:
    """A front of organ pipes, tallest in the middle, lit from one side, under round arches of light."""
    _glow(image, (_FULL * 0.2, -_FULL * 0.3, _FULL * 0.8, _FULL * 0.45), palette[2], 140)
    pen = ImageDraw.Draw(image)
    for ring in range(7, 0, -1):
        reach = ring * _FULL * 0.085
        pen.arc((_FULL / 2 - reach, _FULL * 0.52 - reach, _FULL / 2 + reach, _FULL * 0.52 + reach), 180, 360,
                fill=_mixed(palette[1], palette[3], 0.10 + 0.05 * ring), width=5)  # fmt: skip
    count = 17
    wide = _FULL * 0.86 / count
    for place in range(count):
        far = abs(place - count // 2) / (count // 2)
        x = _FULL * 0.07 + place * wide
        top = _FULL * (0.26 + 0.34 * far**1.25 + random.uniform(-0.012, 0.012))
        _pipe(pen, x, top, wide, palette)


def _pipe(pen: Draw, x: float, top: float, wide: float, palette: tuple[Colour, ...]) -> None:
    strips = 14
    for strip in range(strips):
        light = math.exp(-(((strip / strips) - 0.3) ** 2) / 0.05)
        left = x + wide * (0.06 + 0.88 * strip / strips)
        colour = _mixed(_mixed(palette[0], palette[2], 0.45), palette[3], light * 0.85)
        pen.rectangle((left, top, left + wide * 0.88 / strips + 1, _FULL * 0.94), fill=colour)
    mouth = _FULL * 0.80
    pen.polygon(
        [(x + wide * 0.24, mouth), (x + wide * 0.76, mouth), (x + wide * 0.5, mouth - wide * 1.1)], fill=palette[0]
    )


def _petals(image: Image.Image, palette: tuple[Colour, ...], random: Random) -> None:
    """Blossoms of five petals and loose petals that drift before a pale moon."""
    _glow(image, (_FULL * 0.18, _FULL * 0.12, _FULL * 0.82, _FULL * 0.76), _mixed(palette[2], palette[1], 0.5), 120)
    pen = ImageDraw.Draw(image)
    pen.ellipse((_FULL * 0.27, _FULL * 0.2, _FULL * 0.73, _FULL * 0.66), fill=_mixed(palette[3], palette[2], 0.25))
    for _ in range(60):
        at = random.uniform(0, _FULL), random.uniform(0, _FULL)
        colour = _mixed(palette[1], palette[3], random.uniform(0.2, 0.8))
        _petal(pen, at, random.uniform(12, 34), random.uniform(0, math.tau), colour)
    for _ in range(11):
        angle, reach = random.uniform(-0.6, 2.2), random.uniform(0.22, 0.46) * _FULL
        x, y = _FULL * 0.5 + reach * math.cos(angle), _FULL * 0.52 + reach * math.sin(angle)
        size, turn = random.uniform(46, 96), random.uniform(0, math.tau)
        colour = _mixed(palette[2], palette[3], random.uniform(0.1, 0.8))
        for number in range(5):
            _petal(pen, (x, y), size, turn + number * math.tau / 5, colour)
        pen.ellipse((x - size * 0.16, y - size * 0.16, x + size * 0.16, y + size * 0.16), fill=palette[1])


def _petal(pen: Draw, at: tuple[float, float], size: float, angle: float, colour: Colour) -> None:
    """A petal from ``at`` outwards, with a notch in its end."""
    outline = []
    for step in range(25):
        along = step / 24
        reach = size * (math.sin(math.pi * along) * 1.0)
        spread = (along - 0.5) * 1.15
        notch = 1 - 0.14 * math.exp(-(((along - 0.5) / 0.05) ** 2))
        outline.append(
            (at[0] + reach * notch * math.cos(angle + spread), at[1] + reach * notch * math.sin(angle + spread))
        )
    pen.polygon([at, *outline], fill=colour)


def _lanterns(image: Image.Image, palette: tuple[Colour, ...], random: Random) -> None:
    """Curtains of northern light over dark hills with small warm lanterns."""
    for band in range(4):
        light = Image.new("RGB", (_FULL // 4, _FULL // 4))
        pen = ImageDraw.Draw(light)
        for at in range(0, _FULL // 4, 2):
            swing = 0.07 * math.sin(at / 34 + band * 1.7) + 0.03 * math.sin(at / 11 + band)
            foot = (0.16 + 0.1 * band + swing) * _FULL / 4
            strength = (0.35 + 0.3 * math.sin(at / 19 + band * 2.2) ** 2) * (0.8 + 0.2 * random.random())
            pen.line((at, foot - 42, at, foot + 16), fill=_mixed((0, 0, 0), palette[2], strength), width=2)
        image.paste(ImageChops.screen(image, light.filter(ImageFilter.GaussianBlur(5)).resize(image.size)))
    pen = ImageDraw.Draw(image)
    for _ in range(90):
        x, y, size = random.uniform(0, _FULL), random.uniform(0, _FULL * 0.6), random.uniform(1, 3)
        pen.ellipse((x - size, y - size, x + size, y + size), fill=_mixed(palette[2], (255, 255, 255), 0.7))
    for row in range(3):
        ridge = [(x, _FULL * (0.66 + 0.1 * row + 0.05 * math.sin(x / 190 + row * 2.1) + 0.02 * math.sin(x / 57 + row)))
                 for x in range(0, _FULL + 12, 12)]  # fmt: skip
        pen.polygon([*ridge, (_FULL, _FULL), (0, _FULL)], fill=_mixed(palette[1], palette[0], 0.45 + 0.27 * row))
    for _ in range(13):
        x, y, size = random.uniform(0.06, 0.94) * _FULL, random.uniform(0.74, 0.95) * _FULL, random.uniform(7, 15)
        _glow(image, (x - size * 3, y - size * 3, x + size * 3, y + size * 3), _mixed(palette[3], palette[0], 0.5), 26)
        ImageDraw.Draw(image).rounded_rectangle(
            (x - size, y - size * 1.3, x + size, y + size * 1.3), size * 0.6, palette[3]
        )


def _waves(image: Image.Image, palette: tuple[Colour, ...], random: Random) -> None:
    """Eight sounding lines over each other, each a little later than the one before: a canon."""
    _glow(image, (_FULL * 0.3, _FULL * 0.2, _FULL * 0.7, _FULL * 0.6), palette[2], 150)
    pen = ImageDraw.Draw(image)
    phases = [random.uniform(0, math.tau) for _ in range(3)]
    for line in range(34):
        share = line / 33
        base = _FULL * (0.2 + 0.66 * share)
        swell = _FULL * 0.15 * math.sin(math.pi * share) ** 1.2
        row = []
        for x in range(0, _FULL + 8, 8):
            at = x / _FULL * math.tau + share * 2.4
            window = math.exp(-(((x / _FULL) - 0.5) ** 2) / 0.06)
            high = (
                math.sin(at * 2 + phases[0]) + 0.6 * math.sin(at * 5 + phases[1]) + 0.35 * math.sin(at * 9 + phases[2])
            )
            row.append((x, base - swell * window * (0.9 + high) * 0.6))
        pen.polygon([*row, (_FULL, _FULL), (0, _FULL)], fill=_mixed(palette[0], palette[1], 0.75 * (1 - share)))
        colour = _mixed(palette[2], palette[3], 0.5 + 0.5 * math.cos(share * 5))
        pen.line(row, fill=_mixed(colour, palette[0], 0.5 * share), width=5, joint="curve")


def _vignette(image: Image.Image) -> Image.Image:
    """Darker towards the corners."""
    mask = (
        Image.radial_gradient("L")
        .resize(image.size)
        .point([min(255, round((value / 255) ** 3 * 150)) for value in range(256)])
    )
    return Image.composite(Image.new("RGB", image.size, (0, 0, 0)), image, mask)


def _grain(image: Image.Image, random: Random) -> Image.Image:
    """The finest texture of paper, so that areas are alive."""
    noise = Image.frombytes("L", image.size, random.randbytes(SIDE * SIDE)).point(
        [118 + value // 13 for value in range(256)]
    )
    return ImageChops.overlay(image, Image.merge("RGB", (noise, noise, noise)))


ARTS: Mapping[str, Callable[[Image.Image, tuple[Colour, ...], Random], None]] = {
    "columns": _columns,
    "gears": _gears,
    "pipes": _pipes,
    "petals": _petals,
    "lanterns": _lanterns,
    "waves": _waves,
}
