"""Makes copies to be verified: trees of files, bags and torrents of them, and damage to them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from phonolith.model.progress import Silent
from phonolith.releases.bag import manifest
from phonolith.releases.compose import Entry, Kind, compose
from phonolith.releases.verify.check import Checked, Wish
from phonolith.releases.verify.memory import Memory
from phonolith.releases.verify.run import Done, verify, verify_and_repair
from phonolith.store.bencode import encode
from phonolith.store.passport import SMALL_PIECE, passport_of

NOW = "2026-11-25T00:00:00Z"
Files = Mapping[str, bytes]
KINDS = ["bag", "bag and torrent", "hybrid", "v2", "v1", "v1 across"]


def data_of(size: int, seed: object = 0) -> bytes:
    return random.Random(f"{size} {seed}").randbytes(size)


def write(root: Path, files: Files) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def bag_files(payload: Files, algorithms: Sequence[str] = ("sha256",), *, oxum: bool = True) -> dict[str, bytes]:
    """The files of a bag whose payload these are, by path below data/."""
    whole = {f"data/{path}": data for path, data in payload.items()}
    found = {"bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"}
    if oxum:
        size = sum(map(len, payload.values()))
        found["bag-info.txt"] = f"Payload-Oxum: {size}.{len(payload)}\n".encode()
    for one in algorithms:
        digests = {path: hashlib.new(one, data).hexdigest() for path, data in whole.items()}
        found[f"manifest-{one}.txt"] = manifest(digests)
    for one in algorithms:
        digests = {path: hashlib.new(one, data).hexdigest() for path, data in found.items() if "tagman" not in path}
        found[f"tagmanifest-{one}.txt"] = manifest(digests)
    return {**whole, **found}


def torrent_of(name: str, files: Files, kind: Kind = Kind.HYBRID) -> bytes:
    """A torrent with 64 KiB pieces, of our own making."""
    return compose(
        name, [Entry(tuple(path.split("/")), passport_of(data, SMALL_PIECE)) for path, data in files.items()], kind
    ).data


def v1_torrent(name: str, files: Files, length: int) -> bytes:
    """A torrent as old programs make it: files behind one another without padding, pieces across them."""
    listed = [
        {b"length": len(data), b"path": [part.encode() for part in path.split("/")]} for path, data in files.items()
    ]
    whole = b"".join(files.values())
    pieces = b"".join(
        hashlib.sha1(whole[at : at + length], usedforsecurity=False).digest() for at in range(0, len(whole), length)
    )
    info = {b"name": name.encode(), b"piece length": length, b"files": listed, b"pieces": pieces}
    return encode({b"info": info})  # type: ignore[dict-item]


def memory() -> Memory:
    return Memory(Path(":memory:"), now=NOW)


def verified(path: Path, *torrents: Path, wish: Wish | None = None) -> list[Checked]:
    with memory() as remembered:
        return list(verify(path, torrents, wish or Wish(), remembered, Silent()).copies)


def repaired(path: Path, *others: Path | str) -> Done:
    with memory() as remembered:
        return verify_and_repair(path, (), Wish(), remembered, Silent(), [str(one) for one in others], NOW)


def verdicts(checked: Checked) -> dict[str, str]:
    return {one.path: one.verdict for one in checked.verdicts}


def codes(checked: Sequence[Checked]) -> set[str]:
    return {finding.code for one in checked for finding in one.findings}


def lay(folder: Path, kind: str, files: dict[str, bytes]) -> Path:
    """A copy of these files, of one kind."""
    root = folder / "copy"
    whole = bag_files(files) if kind.startswith("bag") else files
    write(root, whole)
    if kind == "v1 across":
        (folder / "copy.torrent").write_bytes(v1_torrent("copy", whole, 16_384))
    elif kind != "bag":
        made = {"hybrid": Kind.HYBRID, "v2": Kind.V2, "v1": Kind.V1}.get(kind, Kind.HYBRID)
        (folder / "copy.torrent").write_bytes(torrent_of("copy", whole, made))
    return root
