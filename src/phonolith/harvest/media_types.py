"""Media types of the files that come with music, by extension or first bytes: machines' own tables differ."""

from __future__ import annotations

_BY_EXTENSION = {
    "mp3": "audio/mpeg", "mp2": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg", "oga": "audio/ogg",
    "opus": "audio/ogg", "spx": "audio/ogg", "m4a": "audio/mp4", "m4b": "audio/mp4", "alac": "audio/mp4",
    "aac": "audio/aac", "wav": "audio/wav", "wave": "audio/wav", "w64": "audio/x-w64", "aif": "audio/aiff",
    "aiff": "audio/aiff", "aifc": "audio/aiff", "caf": "audio/x-caf", "ape": "audio/x-ape", "wv": "audio/x-wavpack",
    "mpc": "audio/x-musepack", "dsf": "audio/x-dsf", "dff": "audio/x-dff", "wma": "audio/x-ms-wma",
    "tta": "audio/x-tta", "tak": "audio/x-tak", "mka": "audio/x-matroska", "ac3": "audio/ac3", "dts": "audio/vnd.dts",
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff", "jxl": "image/jxl", "avif": "image/avif",
    "pdf": "application/pdf", "cue": "application/x-cue", "log": "text/plain", "txt": "text/plain",
    "nfo": "text/plain", "md": "text/markdown", "m3u": "audio/x-mpegurl", "m3u8": "audio/x-mpegurl",
    "pls": "audio/x-scpls", "xspf": "application/xspf+xml", "lrc": "text/plain",
}  # fmt: skip
_BY_FORMAT = {"MP3": "mp3", "FLAC": "flac", "Ogg": "ogg", "Opus": "opus", "MPEG-4": "m4a", "WAV": "wav", "AIFF": "aiff"}
_PICTURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)


def media_type_of(ending: str, format_: str = "") -> str:
    """The media type by what the bytes turned out to be, else by extension (lower case, no dot), else ""."""
    return _BY_EXTENSION.get(_BY_FORMAT.get(format_, ending), "")


def picture_type(data: bytes) -> str:
    """The media type of a picture by its first bytes, "" if they are not those of one."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _PICTURES if data.startswith(magic)), "")
