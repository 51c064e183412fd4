"""Bytes a track, by object: what the catalogue file spends on each table and index, everything included.

`python bench/size.py CATALOGUE` prints every object of an existing catalogue; `python bench/size.py --tracks N` builds
a generated one first. The public reference needs 490 bytes a track without full text.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import apsw

from phonolith.catalogue.build import build
from phonolith.model.progress import Silent

try:
    from bench import generate
except ModuleNotFoundError:
    import generate  # type: ignore[no-redef]

LIMIT = 280.0
REFERENCE = 490.0


def objects(path: Path) -> list[tuple[str, int, int, int]]:
    """(name, bytes, unused bytes, cells) of every table and index, largest first; they add up to the file."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    sql = "SELECT name, sum(pgsize), sum(unused), sum(ncell) FROM dbstat GROUP BY name ORDER BY 2 DESC, 1"
    rows: list[tuple[Any, ...]] = db.execute(sql).fetchall()
    found = [(str(name), int(size), int(unused), int(cells)) for name, size, unused, cells in rows]
    free = int(db.pragma("freelist_count")) * int(db.pragma("page_size"))
    db.close()
    return [*found, ("(free pages)", free, free, 0)] if free else found


def report(path: Path) -> float:
    """Print the table; returns bytes a track."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    tracks = int(db.execute("SELECT count(*) FROM track").get or 0) or 1
    db.close()
    total = path.stat().st_size
    print(f"{'object':36}{'bytes':>16}{'a track':>10}{'unused':>9}{'cells':>14}")
    listed = objects(path)
    for name, size, unused, cells in listed:
        print(f"{name:36}{size:>16,}{size / tracks:>10.2f}{unused / size:>9.1%}{cells:>14,}")
    rest = total - sum(size for _, size, _, _ in listed)
    each = total / tracks
    print(f"{'(rest of the file)':36}{rest:>16,}{rest / tracks:>10.2f}")
    print(f"{'file, ' + format(tracks, ',') + ' tracks':36}{total:>16,}{each:>10.2f}")
    print(
        f"limit {LIMIT:.0f}: {'kept' if each <= LIMIT else 'NOT kept'}; {each / REFERENCE:.2f} of the reference's 490"
    )
    return each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogue", type=Path, nargs="?")
    parser.add_argument("--tracks", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    if args.catalogue:
        report(args.catalogue)
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = generate.make_archive(Path(folder) / "archive", generate.Spec(args.tracks))
        report(build(archive, as_of=None, progress=Silent(), workers=args.workers).path)


if __name__ == "__main__":
    main()
