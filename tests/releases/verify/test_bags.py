"""Bags are read as RFC 8493 has them: hostile ones are refused under their code, and verdicts are the peers'."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from phonolith.errors import BadInput
from phonolith.releases.verify import bag as bag_module
from phonolith.store.bag import plain, read_bag
from tests.releases.verify.made import bag_files, codes, data_of, torrent_of, verdicts, verified, write

PAYLOAD = {"a.flac": data_of(100), "disc/b.flac": data_of(300)}
DIGEST = "0" * 64


def replaced(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))

    return change


def added(path: str, text: str | bytes) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        with (root / path).open("ab") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    return change


def listed(path: str) -> Callable[[Path], None]:
    return added("manifest-sha256.txt", f"{DIGEST}  {path}\n")


def linked(path: str, target: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        if (root / path).is_dir():
            shutil.move(root / path, root.parent / "elsewhere")
        else:
            (root / path).unlink(missing_ok=True)
        (root / path).symlink_to(target)

    return change


def removed(path: str) -> Callable[[Path], None]:
    return lambda root: shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()


HOSTILE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a folder above": ("path.traversal", listed("data/../../etc/passwd")),
    "an absolute path": ("path.traversal", listed("/etc/passwd")),
    "a home": ("bag.path", listed("~/.ssh/id")),
    "the folder itself": ("path.traversal", listed("data/./x")),
    "a separator of Windows": ("path.separator", listed("data/..\\x")),
    "a device of Windows": ("path.reserved", listed("data/CON")),
    "another device of Windows": ("path.reserved", listed("data/aux.flac")),
    "a folder that is a device": ("path.reserved", listed("data/LPT1/x")),
    "a NUL": ("path.hiding", listed("data/x\0.flac")),
    "a drive of Windows": ("path.traversal", listed("C:/x")),
    "a folder above with a blank": ("path.traversal", listed("data/.. /x")),
    "a name of a blank": ("path.traversal", listed("data/ /x")),
    "a dot at the end and none": ("path.collision", listed("data/a.flac.")),
    "a blank at the end and none": ("path.collision", listed("data/disc /b.flac")),
    "sharp s and two s": ("path.collision", listed(f"data/ß\n{DIGEST}  data/SS")),
    "a path of separators": ("path.too-long", listed("data" + "/" * 2_000_000)),
    "an oxum of thousands of digits": ("bag.info", replaced("bag-info.txt", "400.2", "9" * 6000 + ".2")),
    "an oxum in other digits": ("bag.info", replaced("bag-info.txt", "400.2", "400.\u00b2")),
    "a file to be fetched from outside": (
        "path.traversal", added("fetch.txt", "file:///etc/passwd 10 /etc/shadow\n")),
    "text turned around": ("path.hiding", listed("data/x\u202egnp.exe")),
    "a break hidden in an escape": ("path.hiding", listed("data/x%0Ay")),
    "a path that is too long": ("path.too-long", listed("data/" + "x" * 256)),
    "a path that is too deep": ("path.too-long", listed("data/" + "x/" * 70 + "y")),
    "another case": ("path.collision", listed("data/A.flac")),
    "another normal form": ("path.collision", listed("data/u\u0308.flac\n" + DIGEST + "  data/\u00fc.flac")),
    "a file that is a folder": ("path.collision", listed("data/a.flac/x")),
    "payload outside data": ("bag.path", listed("readme.txt")),
    "a file twice": ("bag.twice", listed("data/a.flac")),
    "a line that is none": ("bag.line", added("manifest-sha256.txt", "hello\n")),
    "a digest of another length": ("bag.line", added("manifest-sha256.txt", "abcd  data/x\n")),
    "a digest and no path": ("bag.line", added("manifest-sha256.txt", f"{DIGEST}  \n")),
    "a manifest that is no UTF-8": ("bag.encoding", added("manifest-sha256.txt", DIGEST.encode() + b"  data/\xff\n")),
    "a tag manifest that lists payload": ("bag.path", added("tagmanifest-sha256.txt", f"{DIGEST}  data/a.flac\n")),
    "a tag manifest in a tag manifest": (
        "bag.path", added("tagmanifest-sha256.txt", f"{DIGEST}  tagmanifest-md5.txt\n")),
    "no declaration": ("bag.declaration", lambda root: (root / "bagit.txt").write_bytes(b"")),
    "a declaration behind a mark": (
        "bag.declaration", lambda root: (root / "bagit.txt").write_bytes(
            b"\xef\xbb\xbfBagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")),
    "a declaration with more in it": ("bag.declaration", added("bagit.txt", "More: x\n")),
    "a declaration without end": ("bag.too-large", lambda root: (root / "bagit.txt").write_bytes(b"B" * 5000)),
    "a version that is not known": ("bag.version", replaced("bagit.txt", "1.0", "9.9")),
    "an encoding that is not known": ("bag.encoding", replaced("bagit.txt", "UTF-8", "EBCDIC")),
    "no manifest": ("bag.no-manifest", removed("manifest-sha256.txt")),
    "a manifest of a weak algorithm alone": (
        "bag.no-proof", lambda root: (root / "manifest-sha256.txt").rename(root / "manifest-md5.txt")),
    "a manifest of a weak algorithm too": ("bag.algorithm", added("manifest-md5.txt", "0" * 32 + "  data/a.flac\n")),
    "no payload": ("bag.no-payload", removed("data")),
    "a file in one manifest of two": ("bag.manifests-differ", added("manifest-sha512.txt", "")),
    "another number of bytes": ("bag.oxum", replaced("bag-info.txt", "400.2", "401.2")),
    "another number of files": ("bag.oxum", replaced("bag-info.txt", "400.2", "400.3")),
    "an oxum that is none": ("bag.info", replaced("bag-info.txt", "400.2", "many")),
    "an oxum twice": ("bag.info", added("bag-info.txt", "Payload-Oxum: 1.1\n")),
    "a file to be fetched": (
        "bag.fetch", lambda root: (added("fetch.txt", "http://x.example/a 100 data/a.flac\n")(root),
                                   (root / "data/a.flac").unlink())),
    "a file to be fetched that nothing proves": ("bag.fetch", added("fetch.txt", "http://x.example/a - data/x\n")),
    "a file to be fetched to elsewhere": ("path.traversal", added("fetch.txt", "http://x/a - data/../../x\n")),
    "a line to fetch that is none": ("bag.line", added("fetch.txt", "http://x\n")),
    "a link to a file": ("path.link", linked("data/a.flac", "/etc/passwd")),
    "a link in place of a folder": ("path.link", linked("data/disc", "../../elsewhere")),
    "a link in place of data": ("bag.no-payload", linked("data", "../elsewhere")),
    "a link in place of a manifest": ("bag.no-manifest", linked("manifest-sha256.txt", "/etc/passwd")),
    "a link that is nobody's": ("path.link", linked("data/x", "/etc/passwd")),
    "a pipe": ("path.special", lambda root: os.mkfifo(root / "data/pipe")),
    "a pipe in place of a file": (
        "verify.unreadable", lambda root: ((root / "data/a.flac").unlink(), os.mkfifo(root / "data/a.flac"))),
    "a file that is missing": ("verify.missing", removed("data/a.flac")),
    "a file too many": ("verify.extra", added("data/x", "x")),
    "another byte": ("verify.corrupt", lambda root: (root / "data/a.flac").write_bytes(b"x" * 100)),
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "bag", bag_files(PAYLOAD))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_bag_is_refused_under_its_code(name: str, root: Path) -> None:
    assert not codes(verified(root))
    code, change = HOSTILE[name]
    change(root)
    assert code in codes(verified(root))


@pytest.mark.parametrize("name", HOSTILE)
def test_whoever_takes_it_in_gets_a_coded_refusal_or_what_a_manifest_proves(name: str, root: Path) -> None:
    """The reader of bundles refuses more: what it lets pass is listed, plain and inside, or not there at all."""
    HOSTILE[name][1](root)
    try:
        bag = read_bag(root)
    except BadInput as error:
        assert error.code.startswith(("bag.", "path."))
        return
    for path in bag.payload:
        assert (root / path).resolve().is_relative_to(root.resolve()) or not plain(root, path)


def test_bombs_are_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag_module, "MOST_LINES", 1)
    added("manifest-sha256.txt", "\n" * 10)(root)
    assert "bag.too-large" in codes(verified(root))
    monkeypatch.setattr(bag_module, "LARGEST_LIST", 10)
    assert "bag.too-large" in codes(verified(root))


def test_litter_in_the_payload_is_no_error_and_is_not_counted(root: Path) -> None:
    write(root, {"data/.DS_Store": b"x", "data/disc/Thumbs.db": b"xx"})
    assert not codes(verified(root))


def test_what_a_weak_manifest_lists_is_not_said_to_be_proved(root: Path) -> None:
    (root / "manifest-sha256.txt").rename(root / "manifest-md5.txt")
    assert "ok" not in {verdict for path, verdict in verdicts(verified(root)[0]).items() if path.startswith("data/")}


def test_names_with_breaks_percent_signs_and_other_normal_forms(tmp_path: Path) -> None:
    payload = {"100%.flac": b"a", "a%25b.flac": b"b", "a  b.flac": b"c", "\u00fc.flac": b"d", "a\u2028b": b"e"}
    files = bag_files(payload)
    files["data/u\u0308.flac"] = files.pop("data/\u00fc.flac")  # as some disks write what they were given
    (checked,) = verified(write(tmp_path / "bag", files))
    bad = {
        one.path: one.verdict for one in checked.verdicts if one.path not in checked.copy.own and one.verdict != "ok"
    }
    assert not checked.findings and not bad


# What the Library of Congress's program says of the same bags. Where a bag breaks a rule that it does not know (a
# second line for a file, a link), ours is stricter, and HOSTILE above has it.
def _theirs(root: Path) -> bool:
    bagit = pytest.importorskip("bagit")
    try:
        bagit.Bag(str(root)).validate()
    except (bagit.BagError, OSError):
        return False
    return True


@pytest.mark.parametrize("algorithms", [("sha256",), ("sha512",), ("sha256", "sha512")])
def test_verdicts_are_those_of_the_library_of_congress(algorithms: tuple[str, ...], tmp_path: Path) -> None:
    pytest.importorskip("bagit")
    chance = random.Random(1)
    said = set()
    for number in range(120):
        payload = {f"{'d/' * chance.randrange(3)}{n}.flac": chance.randbytes(chance.randrange(2000)) for n in range(4)}
        root = write(tmp_path / str(number), bag_files(payload, algorithms, oxum=chance.random() < 0.5))
        for _ in range(chance.randrange(3)):
            path = chance.choice(sorted(one for one in root.rglob("*") if one.is_file() and one.name != "bagit.txt"))
            _damage(path, chance)
        wrong = any(finding.severity == "error" for one in verified(root) for finding in one.findings)
        assert wrong is not _theirs(root), number
        said.add(wrong)
    assert said == {True, False}


def _damage(path: Path, chance: random.Random) -> None:
    """One of the things that happen to files of a bag; text stays text, as programs differ in how they read none."""
    how = chance.choice(["flip", "truncate", "delete", "rename", "extra"])
    data = path.read_bytes()
    if path.suffix == ".txt":
        if how == "flip" and data:
            path.write_bytes(data.replace(b"a", b"b", 1) if b"a" in data[:60] else b"0" + data[1:])
    elif how == "flip" and data:
        at = chance.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    elif how == "truncate":
        path.write_bytes(data[: len(data) // 2])
    elif how == "delete":
        path.unlink()
    elif how == "rename":
        path.rename(path.with_name("renamed"))
    else:
        path.with_name("extra").write_bytes(b"extra")


def test_hostile_torrents_are_refused_under_their_code(tmp_path: Path) -> None:
    from tests.conformance.test_torrents import FILES

    for path in FILES:
        folder = tmp_path / path.parent.name / path.stem
        folder.mkdir(parents=True)
        shutil.copy(path, folder / "bundle.torrent")
        if path.parent.name != "sound":
            assert codes(verified(folder)) == {path.parent.name}, path


def test_a_torrent_of_a_bag_that_it_does_not_know_is_told(root: Path) -> None:
    files = bag_files({"a.flac": PAYLOAD["a.flac"]})
    (root.parent / "bag.torrent").write_bytes(torrent_of("bag", files))
    found = codes(verified(root))
    assert "torrent.not-listed" in found
