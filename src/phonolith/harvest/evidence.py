"""Reads what lies beside audio files as evidence: a licence file and a sidecar, only where a person pointed at them."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from phonolith.errors import BadInput, NotFound
from phonolith.harvest.report import HarvestReport
from phonolith.harvest.rows import Broken, open_text
from phonolith.model.music import Level
from phonolith.rights.licences import parse
from phonolith.sources.folder_records import SidecarRow, Statement, Tags
from phonolith.sources.sidecar import is_known, path_column, words
from phonolith.sources.text import visible
from phonolith.store.files import storage_error

#: Looked for beside a licence file when no sidecar is given.
USUAL_SIDECAR = "tracks.csv"

_LARGEST = 4 * 1024 * 1024
_ADDRESS = re.compile(r"https?://[^\s<>\"'`()\[\]|]+", re.IGNORECASE)
_NAMES_FILES = re.compile(
    r"[\w*?-]\.(?:mp3|flac|ogg|oga|opus|m4a|wav|aiff?|ape|wv|mpc|wma)\b|`[^`\n]*\*[^`\n]*`", re.IGNORECASE
)
_LICENCE_TAGS = (
    "licence",
    "license",
    "license url",
    "licenseurl",
    "licence_url",
    "license_url",
    "wcop",
    "copyrighturl",
)


@dataclass
class LicenceFile:
    """A licence file: its bytes' digest, the licences it names by address, whether it has rules for single files."""

    path: Path
    name: str
    data: bytes
    digest: str
    addresses: tuple[str, ...]
    by_file: bool

    @property
    def whole(self) -> str:
        """The address of the one licence that is stated for everything, "" if it is not so simple."""
        codes = {licence.code for address in self.addresses if (licence := parse(address))}
        return self.addresses[0] if len(codes) == 1 and not self.by_file else ""

    def names(self, uri: str) -> bool:
        """Whether the file names the same licence as ``uri``, or names none at all and so leaves it to the sidecar."""
        wanted = parse(uri)
        codes = {licence.code for address in self.addresses if (licence := parse(address))}
        return not codes or (wanted is not None and wanted.code in codes)


@dataclass
class Sidecar:
    """A sidecar: its digest and its rows by the path of the file they are about, under the harvested root, in NFC."""

    path: Path
    name: str
    data: bytes
    digest: str
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


@dataclass
class Evidence:
    """What a run was pointed at. ``fingerprint`` changes when it does."""

    licence_file: LicenceFile | None = None
    sidecar: Sidecar | None = None

    @property
    def fingerprint(self) -> str:
        """A short digest over both files."""
        parts = [x.digest if x else "-" for x in (self.licence_file, self.sidecar)]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]

    def of(self, path: str, tags: Tags) -> tuple[SidecarRow | None, list[Statement]]:
        """The sidecar's row about a file, and every licence statement about it.

        Tags made for a licence's address count; a copyright notice is prose, whatever addresses it holds.
        """
        row = self._row(path)
        found = self._statements(row)
        for name in _LICENCE_TAGS:
            found += [Statement(uri, Level.PLATFORM, "tag", name) for uri in tags.get(name, ()) if uri.strip()]
        return row, found

    def _row(self, path: str) -> SidecarRow | None:
        sidecar = self.sidecar
        key = unicodedata.normalize("NFC", path)
        if sidecar is None or key not in sidecar.rows:
            return None
        sidecar.used.add(key)
        return SidecarRow(sidecar.name, sidecar.digest, sidecar.rows[key])

    def _statements(self, row: SidecarRow | None) -> list[Statement]:
        licence = self.licence_file
        uri = words(row.row).get("licence", "") if row else ""
        if uri and row:
            if licence and licence.names(uri):
                return [Statement(uri, Level.PLATFORM, "licence-file", licence.name, licence.digest)]
            return [Statement(uri, Level.THIRD_PARTY, "sidecar", row.file, row.digest)]
        if licence and licence.whole:
            return [Statement(licence.whole, Level.PLATFORM, "licence-file", licence.name, licence.digest)]
        return []


def gather(root: Path, licence_file: Path | None, sidecar: Path | None, report: HarvestReport) -> Evidence:
    """Read what a person pointed at. Without a sidecar a ``tracks.csv`` beside the licence file is used, and said so.

    Raises NotFound, StorageError, BadInput.
    """
    evidence = Evidence()
    if licence_file is not None:
        evidence.licence_file = read_licence_file(licence_file)
        if sidecar is None and (licence_file.parent / USUAL_SIDECAR).is_file():
            sidecar = licence_file.parent / USUAL_SIDECAR
            report.found(
                "sidecar.used", visible(sidecar.name), "lies beside the licence file and is used", severity="note"
            )
    if sidecar is not None:
        evidence.sidecar = read_sidecar(sidecar, root, report)
    _judge(evidence, report)
    return evidence


def read_licence_file(path: Path) -> LicenceFile:
    """Read a licence file and find the licences it names by address. Raises NotFound, StorageError, BadInput."""
    data = _bytes(path)
    text = data.decode("utf-8", "replace")
    addresses = [address.rstrip(".,;:!") for address in _ADDRESS.findall(text)]
    known = tuple(dict.fromkeys(address for address in addresses if parse(address)))
    digest = hashlib.sha256(data).hexdigest()
    return LicenceFile(path, visible(path.name), data, digest, known, bool(_NAMES_FILES.search(text)))


def read_sidecar(path: Path, root: Path, report: HarvestReport) -> Sidecar:
    """Read a sidecar. Its paths are relative to the folder it lies in. A broken row is a finding; the others count."""
    data = _bytes(path)
    name = visible(path.name)
    reading = open_text(path)
    column = path_column(reading.columns)
    if not column:
        raise BadInput(name, f"has no column of paths; it has {', '.join(reading.columns)}", 'Call one "path"')
    for unknown in (c for c in reading.columns if not is_known(c)):
        report.found("sidecar.column", f"{name}: {visible(unknown)}", "is not understood; it is kept", severity="note")
    found = Sidecar(path, name, data, hashlib.sha256(data).hexdigest())
    for row in reading.rows:
        if isinstance(row, Broken):
            report.found("sidecar.row", f"{name} line {row.line:,}", row.problem, row.remedy)
            continue
        key = _relative(row.cells[column], path.parent, root)
        if key is None:
            problem = f"names {visible(row.cells[column])!r}, which is not under the folder"
            report.found("sidecar.path", f"{name} line {row.line:,}", problem, "Correct the path")
        elif key in found.rows:
            problem = f"names {visible(key)!r} again; line {found.lines[key]:,} counts"
            report.found("sidecar.twice", f"{name} line {row.line:,}", problem, "Remove one of the rows")
        else:
            found.rows[key], found.lines[key] = row.cells, row.line
    return found


def report_unused(evidence: Evidence, report: HarvestReport) -> None:
    """A finding for each sidecar row whose file is not there."""
    if evidence.sidecar is None:
        return
    for key in sorted(evidence.sidecar.rows.keys() - evidence.sidecar.used):
        subject = f"{evidence.sidecar.name} line {evidence.sidecar.lines[key]:,}"
        report.found("sidecar.missing", subject, f"names {visible(key)!r}, which is not there", "Correct the path")


def _judge(evidence: Evidence, report: HarvestReport) -> None:
    """Say what the licence file amounts to."""
    licence, sidecar = evidence.licence_file, evidence.sidecar
    if licence is None:
        return
    if sidecar is None and not licence.whole:
        why = (
            "names no licence by its address" if not licence.addresses else "has different licences for different files"
        )
        report.found(
            "licence.unclear", licence.name, f"{why}, so it proves nothing by itself", "Give a --sidecar with it"
        )
    for key, row in sidecar.rows.items() if sidecar else ():
        uri = words(row).get("licence", "")
        if sidecar and uri and not licence.names(uri):
            subject = f"{sidecar.name} line {sidecar.lines[key]:,}"
            report.found(
                "licence.differs", subject, f"states {visible(uri)}, which {licence.name} does not name", "Check it"
            )


def _relative(text: str, folder: Path, root: Path) -> str | None:
    """A sidecar's path as one under the root, in NFC; None if it leads out of it."""
    if not text or "\0" in text:
        return None
    joined = os.path.normpath(folder.absolute() / text.replace("\\", "/"))
    relative = os.path.relpath(joined, root.absolute())
    if relative == ".." or relative.startswith("../"):
        return None
    return unicodedata.normalize("NFC", relative)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST * 16 + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotFound(visible(str(path)), "is not there", "Check the path") from None
    except OSError as error:
        raise storage_error(path, error) from error
    if len(data) > _LARGEST * 16:
        raise BadInput(visible(path.name), "is larger than 64 MiB", "Harvest it as a table instead")
    return data
