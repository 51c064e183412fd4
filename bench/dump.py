"""Harvesting a made-up MusicBrainz dump of real documents, packed by xz: MB/s stored, and what going on in it costs.

    python -m bench.dump [FOLDER ...] [--megabytes N]

The dump is packed once in blocks, as xz does with several threads, and once in one. Printed are bytes packed, unpacked
and on the disk as records, the rate of unpacking alone, of reading lines, of a whole harvest, and what it takes to come
to nine tenths, in processor time. Ids are made anew each time a document is repeated; the rest packs better than real
dumps do.
"""

from __future__ import annotations

import argparse
import io
import resource
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.interpret import _FOLDERS, documents, repeated
from phonolith.harvest.online import Means, Order, harvest_online
from phonolith.model.progress import Silent
from phonolith.sources.dump_file import parts
from phonolith.store.archive import Archive
from phonolith.store.packed import unpacked

_NOW = "2026-01-01T00:00:00Z"


def write(path: Path, lines: list[bytes]) -> int:
    """A tar of these lines as ``mbdump/release``; its size."""
    content = b"\n".join(lines)
    with tarfile.open(path, "w") as archive:
        for name, data in (("REPLICATION_SEQUENCE", b"1\n"), ("mbdump/release", content)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return len(content)


def timed(work: Callable[[], Any]) -> float:
    """Seconds of processor time: what else the machine does counts for little."""
    began = time.process_time()
    work()
    return time.process_time() - began


def drain(pieces: Any) -> None:
    for _ in pieces:
        pass


def harvested(path: Path, root: Path) -> float:
    """Seconds of a harvest of the file into a new archive."""
    archive = Archive.create(root, name="bench", contact="bench@example.org", now=_NOW)

    @asynccontextmanager
    async def connect() -> AsyncIterator[Any]:
        yield None

    order = Order("musicbrainz", {"file": (str(path),)})
    return timed(lambda: harvest_online(archive, order, Means(connect, {}, Silent(), lambda: _NOW)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=float, default=50)
    options = parser.parse_args()
    shared = Path(__file__).parents[2] / "shared" / "data"
    found = documents(options.folders or [shared / folder for folder in _FOLDERS])
    lines = [one.payload for one in repeated([*found["release"], *found["artist"]], options.megabytes)]
    with tempfile.TemporaryDirectory(prefix="bench-dump-") as scratch:
        work = Path(scratch)
        size = write(work / "release.tar", lines)
        print(f"{len(lines):,} documents, {size / len(lines):,.0f} bytes each, {size / 1e6:,.0f} MB unpacked")
        lines.clear()
        for form, words in (("blocks of 1 MiB", ["--block-size=1MiB"]), ("one block", [])):
            path = work / form.split()[0] / "release.tar.xz"
            path.parent.mkdir()
            shutil.copyfile(work / "release.tar", path.with_suffix(""))
            subprocess.run(["xz", "-1", "--threads=1", *words, str(path.with_suffix(""))], check=True)
            measure(path, size, form, work / f"archive-{form.split()[0]}")
    print(
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB of memory at most, lists above included"
    )


def measure(path: Path, size: int, form: str, root: Path) -> None:
    packed = path.stat().st_size
    print(f"{form}: {packed / 1e6:,.1f} MB packed")
    alone = timed(lambda: drain(unpacked(path)))
    print(f"  unpacking alone        {size / 1e6 / alone:8,.0f} MB/s")
    read = timed(lambda: drain(parts(path, lambda name: name.startswith("mbdump/"))))
    print(f"  reading lines          {size / 1e6 / read:8,.0f} MB/s")
    print(f"  to nine tenths         {timed(lambda: next(unpacked(path, size * 9 // 10))):8.2f} s")
    whole = harvested(path, root)
    with Archive.open(root).records() as store:
        records = sum(segment.stat().st_size for segment in store.seal())
    print(f"  harvest                {size / 1e6 / whole:8,.0f} MB/s, {packed / 1e6 / whole:,.1f} MB/s packed")
    print(f"  records, sealed        {records / 1e6:8,.1f} MB, {records / packed:.2f} times what is packed")


if __name__ == "__main__":
    main()
