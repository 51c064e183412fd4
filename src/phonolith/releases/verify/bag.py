"""Reads what a BagIt bag says of itself (RFC 8493), strictly: every fault has a code, nothing is hashed yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from phonolith.errors import BadInput
from phonolith.model import paths
from phonolith.model.finding import Finding
from phonolith.releases.verify.copies import ALGORITHMS, Copy, Digest, Expected
from phonolith.releases.verify.listing import Listing, listing, read_small
from phonolith.releases.verify.verdicts import harmless
from phonolith.store.bag import unquoted
from phonolith.store.files import printable, storage_error

DECLARATION = "bagit.txt"
#: Bytes of a list of files and lines in it; a bundle's has 10,000, a stranger's may have more.
LARGEST_LIST = 256 << 20
MOST_LINES = 1_000_000
#: So many faults in the lists of a bag are told; of one that has more, the rest is not read.
MOST_FAULTS = 1_000
_LARGEST_INFO = 1 << 20
_DECLARED = re.compile(
    rb"BagIt-Version: (?P<version>[0-9]+\.[0-9]+)\r?\nTag-File-Character-Encoding: (?P<encoding>[A-Za-z0-9._-]+)\s*"
)
_VERSIONS = ("0.93", "0.94", "0.95", "0.96", "0.97", "1.0")
_LIST = re.compile(r"(?P<tag>tag)?manifest-(?P<algorithm>[a-z0-9]+)\.txt")
_REMEDY = "Get it again from whoever made it"


def bag(root: Path) -> Copy:
    """The bag in a folder that has a bagit.txt: what its manifests list, and all that is wrong with what it says.

    Nothing raises: what cannot be understood is a finding whose code begins ``bag.`` or ``path.``.
    """
    return _Reading(root).bag()


class _Reading:
    """One bag being read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listing: Listing = listing(root)
        self._findings: list[Finding] = []
        self._expected: dict[str, Expected] = {}
        self._encoding = "utf-8"
        self._version = ""

    def bag(self) -> Copy:
        self._try(DECLARATION, 1024, self._declaration)
        lists = [(name, found) for name in sorted(self._listing.files) if (found := _LIST.fullmatch(name))]
        payload = [(name, found["algorithm"]) for name, found in lists if not found["tag"]]
        for name, algorithm in (*payload, *((name, found["algorithm"]) for name, found in lists if found["tag"])):
            self._list(name, algorithm)
        self._lists_agree([name for name, algorithm in payload if algorithm in ALGORITHMS])
        if not payload:
            self._find("bag.no-manifest", self._root.name, "has no payload manifest")
        elif not any(algorithm in ALGORITHMS for _, algorithm in payload):
            self._find("bag.no-proof", self._root.name, "has manifests of algorithms alone that prove nothing any more")
        if not (self._root / "data").is_dir() or "data" in self._listing.odd:
            self._find("bag.no-payload", self._root.name, "has no folder data/")
        self._try("bag-info.txt", _LARGEST_INFO, self._info)
        self._try("fetch.txt", LARGEST_LIST, self._fetch)
        for one, other in paths.collisions(path.split("/") for path in self._expected)[:MOST_FAULTS]:
            problem = f"is one path with {printable('/'.join(other))} to some disks"
            self._find("path.collision", printable("/".join(one)), problem, "Rename one of them")
        tags = {DECLARATION, "bag-info.txt", "fetch.txt", *(name for name, _ in lists)}
        return Copy(
            "bag",
            self._root.absolute().name,
            self._root,
            self._expected,
            self._listing,
            tuple(self._findings),
            strict="data/",
            own=frozenset(tags),
        )

    def _find(self, code: str, subject: str, problem: str, remedy: str = _REMEDY, severity: str = "error") -> None:
        self._findings.append(Finding(code, subject, problem, remedy, severity))

    def _try(self, name: str, longest: int, read: Callable[[bytes], None]) -> None:
        """Read a tag file if there is one, with whatever is wrong with it as a finding."""
        if odd := self._listing.odd.get(name):
            self._find("path.link" if "link" in odd else "path.special", name, odd, "Replace it by the file itself")
        elif name in self._listing.files:
            try:
                read(read_small(self._root / name, longest, "bag.too-large"))
            except BadInput as error:
                self._find(error.code, error.subject, error.problem)
            except UnicodeDecodeError as error:
                self._find("bag.encoding", name, f"is not in the encoding that it says it is in ({error.encoding})")
            except OSError as error:
                self._find("bag.unreadable", name, storage_error(name, error).problem, "Check the disk")

    def _declaration(self, data: bytes) -> None:
        found = _DECLARED.fullmatch(data)
        if found is None:
            self._find("bag.declaration", DECLARATION, "does not declare a bag in the two lines that RFC 8493 asks for")
            return
        self._version = found["version"].decode()
        if self._version not in _VERSIONS:
            self._find("bag.version", DECLARATION, f"declares version {self._version}, which is not known")
        if found["encoding"].lower() not in (b"utf-8", b"iso-8859-1", b"us-ascii"):
            self._find("bag.encoding", DECLARATION, f"declares the encoding {found['encoding'].decode()}")
        else:
            self._encoding = found["encoding"].decode().lower()

    def _list(self, name: str, algorithm: str) -> None:
        if algorithm not in ALGORITHMS:
            problem = f"is of the algorithm {algorithm}, which is not understood here: it proves too little"
            self._find("bag.algorithm", name, problem, "Ask for a manifest of SHA-256 or SHA-512", "warning")
            return
        self._try(name, LARGEST_LIST, lambda data: self._entries(name, algorithm, data))

    def _entries(self, name: str, algorithm: str, data: bytes) -> None:
        """Take the lines of a manifest (RFC 8493, sections 2.1.3 and 2.2.1)."""
        here: set[str] = set()
        entry = re.compile(rf"([0-9a-fA-F]{{{ALGORITHMS[algorithm]}}})[ \t]+\*?(\S.*)", re.DOTALL)
        payload = not name.startswith("tag")
        for number, line in enumerate(self._lines(name, data), 1):
            found = entry.fullmatch(line)
            if found is None:
                self._find("bag.line", f"{name}, line {number}", f"is no digest and path: {printable(line[:100])}")
                continue
            value, path = found.groups()
            path = unquoted(path) if "%" in path else path
            if not self._fit(name, number, path, payload=payload):
                continue
            if path in here:
                self._find("bag.twice", f"{name}, line {number}", f"lists {printable(path)} a second time")
                continue
            here.add(path)
            digest = Digest(algorithm, value.lower(), name)
            before = self._expected.get(path)
            self._expected[path] = Expected(path, None, (*before.digests, digest) if before else (digest,))

    def _lines(self, name: str, data: bytes) -> Iterator[str]:
        """The lines of a list; RFC 8493, section 2.2: LF, CR or CRLF end one, and nothing else does."""
        if data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n") > MOST_LINES:
            raise BadInput(name, f"has more than {MOST_LINES:,} lines", code="bag.too-large")
        for line in re.split("\r\n|\n|\r", data.decode(self._encoding)):
            if len(self._findings) > MOST_FAULTS:
                problem = f"has more than {MOST_FAULTS:,} faults; the rest of it is not read"
                raise BadInput(name, problem, code="bag.too-large")
            if line:
                yield line

    def _fit(self, name: str, number: int, path: str, *, payload: bool) -> bool:
        """Whether a listed path is safe and where such a path has to be; a finding where not."""
        fault = paths.fault(path.split("/", paths.DEEPEST + 1))
        if fault is None and payload != path.startswith("data/"):
            fault = "bag.path", "is in the payload" if not payload else "is not in data/"
        if fault is None and path.startswith("tagmanifest-"):
            fault = "bag.path", "is a tag manifest, which none may list"
        if fault is not None:
            where = f"{name}, line {number}"
            self._find(fault[0], where, f"lists a path that {fault[1]}: {printable(path[:200])}")
        return fault is None

    def _lists_agree(self, names: list[str]) -> None:
        """RFC 8493, section 3: every payload file is in every payload manifest. Before 1.0 any one was enough."""
        if len(names) < 2 or self._version != "1.0":
            return
        for path, one in self._expected.items():
            lacking = set(names) - {digest.by for digest in one.digests}
            if path.startswith("data/") and lacking:
                self._find("bag.manifests-differ", printable(path), f"is not in {', '.join(sorted(lacking))}")

    def _info(self, data: bytes) -> None:
        """Compare Payload-Oxum, bytes and number of payload files, with what is there: no byte need be read for it."""
        oxums = re.findall(r"^Payload-Oxum\s*:[ \t]*(.*?)[ \t]*\r?$", data.decode(self._encoding), re.M | re.I)
        if not oxums:
            return
        told = re.fullmatch(r"([0-9]{1,18})\.([0-9]{1,18})", oxums[0])
        if told is None or len(oxums) > 1:
            self._find("bag.info", "bag-info.txt", f"has a Payload-Oxum that is none: {printable(oxums[0][:80])}")
            return
        payload = {path: one.size for path, one in self._listing.files.items() if path.startswith("data/")}
        sizes = [size for path, size in payload.items() if path in self._expected or not harmless(path)]
        if (int(told[1]), int(told[2])) != (sum(sizes), len(sizes)):
            problem = (
                f"says {int(told[1]):,} bytes in {int(told[2]):,} files; there are {sum(sizes):,} in {len(sizes):,}"
            )
            self._find("bag.oxum", "bag-info.txt", problem, "See which files are missing, extra or of another size")

    def _fetch(self, data: bytes) -> None:
        """RFC 8493, section 2.2.3: files to be had elsewhere. Nothing is fetched here; what is not there is missing."""
        for number, line in enumerate(self._lines("fetch.txt", data), 1):
            parts = line.split(None, 2)
            where = f"fetch.txt, line {number}"
            if len(parts) != 3 or not re.fullmatch("-|[0-9]{1,18}", parts[1]):
                self._find("bag.line", where, f"is no address, length and path: {printable(line[:100])}")
                continue
            path = unquoted(parts[2])
            if not self._fit("fetch.txt", number, path, payload=True):
                continue
            if path not in self._expected:
                self._find("bag.fetch", where, f"names a file that is in no manifest: {printable(path)}")
            elif self._listing.find(path) is None:
                self._find("bag.fetch", printable(path), "has to be fetched yet, and no address in a bag is trusted")
