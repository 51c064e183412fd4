"""Style, scripts, icons and manifest: read once, compressed once, addressed by a digest of them all."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from PIL import Image, ImageDraw

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}
_ICONS = {"icon-192.png": 192, "icon-512.png": 512, "maskable-512.png": 512}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of ours with its media type; ``packed`` is its gzip form, or None where that is no smaller."""

    body: bytes
    media_type: str
    packed: bytes | None


@dataclass(frozen=True, slots=True)
class Assets:
    """All files by name; ``version`` changes when any of them does, so that they may be kept for ever."""

    files: dict[str, Asset]
    version: str

    def url(self, name: str) -> str:
        """The address of a file."""
        return f"/static/{self.version}/{name}"

    def worker(self) -> bytes:
        """The service worker with what it keeps; a new version makes the browser fetch all of it anew."""
        shell = [self.url(name) for name in sorted(self.files) if name.endswith((".css", ".js", ".svg"))]
        version, kept = json.dumps(f"phonolith-{self.version}"), json.dumps([*shell, "/offline"])
        return f"const VERSION = {version};\nconst SHELL = {kept};\n".encode() + self.files["sw.js"].body

    def manifest(self, name: str) -> bytes:
        """The web app manifest (W3C Web Application Manifest) of an archive of this name."""
        icons = [
            {
                "src": self.url(icon),
                "sizes": f"{edge}x{edge}",
                "type": "image/png",
                "purpose": "maskable" if icon.startswith("maskable") else "any",
            }
            for icon, edge in _ICONS.items()
        ]
        manifest = {
            "id": "/",
            "name": name,
            "short_name": name[:24],
            "description": "A music archive to search, browse and play.",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#17191c",
            "theme_color": "#17191c",
            "categories": ["music"],
            "icons": icons,
            "shortcuts": [
                {"name": "Search", "url": "/search"},
                {"name": "Shuffle everything", "url": "/shuffle"},
            ],
        }
        return json.dumps(manifest, ensure_ascii=False).encode()


@lru_cache(maxsize=1)
def load() -> Assets:
    """Read what is in ``static/`` and draw the icons."""
    folder = resources.files("phonolith.web").joinpath("static")
    bodies = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.rpartition(".")[2] in _TYPES}
    bodies |= {name: _icon(edge, margin=0.2 if name.startswith("maskable") else 0.1) for name, edge in _ICONS.items()}
    digest = hashlib.sha256(b"".join(name.encode() + bodies[name] for name in sorted(bodies))).hexdigest()
    return Assets({name: _asset(name, body) for name, body in bodies.items()}, digest[:12])


def _asset(name: str, body: bytes) -> Asset:
    packed = gzip.compress(body, 9, mtime=0)
    return Asset(body, _TYPES[name.rpartition(".")[2]], None if name.endswith(".png") else packed)


def _icon(edge: int, margin: float) -> bytes:
    """Three basalt columns of different height, the middle one lit: the mark of the pages as an icon."""
    scale = 2
    side = edge * scale
    picture = Image.new("RGB", (side, side), "#17191c")
    pen = ImageDraw.Draw(picture)
    unit = side * (1 - 2 * margin) / 24
    left = side * margin
    for x, top, face in ((1.5, 11, "#8d8780"), (8.5, 3, "#f2a65e"), (15.5, 8, "#b9a58c")):
        _column(pen, left + x * unit, left + top * unit, 7 * unit, left + 22.5 * unit, face)
    out = io.BytesIO()
    picture.resize((edge, edge), Image.Resampling.LANCZOS).quantize(32, dither=Image.Dither.NONE).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


def _column(pen: ImageDraw.ImageDraw, x: float, y: float, width: float, foot: float, face: str) -> None:
    half, rise = width / 2, width / 4
    pen.polygon([(x, y + rise), (x + half, y + 2 * rise), (x + half, foot), (x, foot - rise)], fill="#4a4b4c")
    pen.polygon(
        [(x + half, y + 2 * rise), (x + width, y + rise), (x + width, foot - rise), (x + half, foot)], fill="#303234"
    )
    pen.polygon([(x + half, y), (x + width, y + rise), (x + half, y + 2 * rise), (x, y + rise)], fill=face)
