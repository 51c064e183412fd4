"""What the columns of a sidecar mean: a table beside audio files that says what each is and how it is licensed."""

from __future__ import annotations

from collections.abc import Mapping

#: Our word for what a column says, with the names people give such columns (lower case, spaces and - as _).
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "path": ("path", "file", "filename", "file_name", "filepath", "location"),
    "title": ("title", "track_title", "name", "track"),
    "artist": ("artist", "track_artist", "trackartist", "creator", "performer", "author"),
    "release": ("release", "album", "release_title", "album_title"),
    "release_artist": ("release_artist", "albumartist", "album_artist"),
    "position": ("track_number", "tracknumber", "position", "track_no", "no"),
    "disc": ("disc", "disc_number", "discnumber"),
    "date": ("date", "year", "release_date"),
    "genre": ("genre", "genres", "style"),
    "label": ("label", "publisher"),
    "composer": ("composer", "composers"),
    "isrc": ("isrc",),
    "popularity": ("popularity", "listens", "plays"),
    "licence": ("licence_url", "license_url", "licenseurl", "licenceurl", "licence", "license"),
    "source": ("source_url", "source", "url", "homepage"),
}

_WORDS = {name: word for word, names in COLUMNS.items() for name in names}
_ORDER = {name: place for names in COLUMNS.values() for place, name in enumerate(names)}


def words(row: Mapping[str, str]) -> dict[str, str]:
    """A sidecar row under our words; of columns that mean the same the first filled one in :data:`COLUMNS` counts."""
    found: dict[str, tuple[int, str]] = {}
    for column, value in row.items():
        name = _name(column)
        word = _WORDS.get(name)
        if word and value and (word not in found or _ORDER[name] < found[word][0]):
            found[word] = (_ORDER[name], value)
    return {word: value for word, (_, value) in found.items()}


def is_known(column: str) -> bool:
    """Whether a column of this name is understood."""
    return _name(column) in _WORDS


def path_column(columns: tuple[str, ...]) -> str:
    """The column that names the file, "" if there is none."""
    named = [(_ORDER[_name(column)], column) for column in columns if _WORDS.get(_name(column)) == "path"]
    return min(named)[1] if named else ""


def _name(column: str) -> str:
    return column.strip().lower().replace(" ", "_").replace("-", "_")
